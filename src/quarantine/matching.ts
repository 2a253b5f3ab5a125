// Goes through the quarantined callbacks that match a filter, page by page, so that other work runs in between: SQLite is
// synchronous.
import { onTickEnd } from '../runtime/tick-batch.js';
import type { QuarantineFilter, QuarantineStore } from '../storage/ports.js';
import type { TimedId } from '../storage/timed-id.js';

const COUNT_PAGE_SIZE = 1_000;
const REMOVE_PAGE_SIZE = 100;
const MAX_REMOVED = 1_000;

/** Counts those older than `before` whose reason `isWanted`. */
export async function countMatching(
  store: QuarantineStore,
  filter: QuarantineFilter,
  before: TimedId | null,
  isWanted: (reason: string) => boolean = () => true,
): Promise<number> {
  let count = 0;
  for (let next = before; ; ) {
    const page = await store.page(filter, next, COUNT_PAGE_SIZE);
    count += page.filter(({ reason }) => isWanted(reason)).length;
    next = page.at(-1)?.id ?? null;
    if (page.length < COUNT_PAGE_SIZE) return count;
    await new Promise<void>(onTickEnd);
  }
}

/** Removes up to 1,000, newest first. Resolves with how many, and how many more there are. */
export async function removeMatching(
  store: QuarantineStore,
  filter: QuarantineFilter,
): Promise<{ readonly deleted: number; readonly remaining: number }> {
  let deleted = 0;
  while (deleted < MAX_REMOVED) {
    const page = await store.page(filter, null, REMOVE_PAGE_SIZE);
    deleted += await store.remove(page.map(({ id }) => id));
    if (page.length < REMOVE_PAGE_SIZE) return { deleted, remaining: 0 };
    await new Promise<void>(onTickEnd);
  }
  return { deleted, remaining: await countMatching(store, filter, null) };
}
