// The queue of an endpoint as it was stored: what was not settled is read from the feed again.
import { StoreUnavailableError } from '../../storage/ports.js';
import { DeliveryQueue } from './delivery-queue.js';
import { type DeliveryState, restoreMessages } from './delivery-state.js';
import { type FeedParts, readAgain } from './feed-consumer.js';
import { positionAfterGap } from './feed-gap.js';
import type { ChangeRef } from './message.js';

const RETRY_MS = 1_000;

/** Waits for a store that is unavailable. undefined: it was halted. */
export async function restoreQueue(
  state: DeliveryState,
  parts: Omit<FeedParts, 'hub'>,
  isHalted: () => boolean,
): Promise<DeliveryQueue | undefined> {
  while (!isHalted()) {
    try {
      return await readUnsettled(state, parts);
    } catch (error) {
      // The store logs itself when it is unavailable.
      if (!(error instanceof StoreUnavailableError)) parts.log.error({ err: error }, 'a webhook cannot be restored');
      await new Promise<void>((resolve) => void parts.clock.after(RETRY_MS, resolve));
    }
  }
  return undefined;
}

async function readUnsettled(
  state: DeliveryState,
  { reader, feed, clock, log, metrics }: Omit<FeedParts, 'hub'>,
): Promise<DeliveryQueue> {
  const { position, cursor, eventCursor, messages, health } = state;
  const refs = new Set(
    messages.flatMap((one): readonly ChangeRef[] => (typeof one === 'string' ? [one] : one.changes)),
  );
  const read = await readAgain({ reader, feed }, { position, cursor, refs });
  const queue = new DeliveryQueue(cursor, restoreMessages(state, read), health, eventCursor);
  if (read.length === refs.size) return queue;
  const to = await positionAfterGap(feed, cursor);
  log.warn({ missing: refs.size - read.length }, 'the feed no longer has changes that a webhook should have delivered');
  queue.addGap({ from: position, to, atMs: clock.now() });
  metrics.gapFound();
  return queue;
}
