// Who was there at a time.
import { ApiError, request } from '../api/client.js';
import type { PastPresencePage } from '../api/types.js';
import { fromPast } from '../presence/participant.js';
import { PresenceList } from '../presence/presence-list.js';

const PAGE = 1_000;
const MAX_PARTICIPANTS = 20_000;

export interface Past {
  readonly list: PresenceList;
  readonly atMs: number;
  /** There were more than are shown. */
  readonly isCut: boolean;
  /** History does not know of everybody. */
  readonly isIncomplete: boolean;
}

/** Why history has no answer for a time, such as one before it begins. */
export interface NoPast {
  readonly reason: string;
}

export function presenceAt(atMs: number, signal: AbortSignal): Promise<Past | NoPast> {
  return listAt(atMs, signal).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 400) return { reason: error.message };
    throw error;
  });
}

async function listAt(atMs: number, signal: AbortSignal): Promise<Past> {
  const path = `/v1/presence?limit=${PAGE}&at=${encodeURIComponent(new Date(atMs).toISOString())}`;
  const list = new PresenceList();
  let isIncomplete = false;
  let cursor = '';
  for (;;) {
    const page = await request<PastPresencePage>(`${path}${cursor}`, { signal });
    for (const item of page.items) list.add(fromPast(item));
    isIncomplete ||= !page.complete;
    const isLast = page.nextCursor === undefined;
    if (isLast || list.size >= MAX_PARTICIPANTS) return { list, atMs, isCut: !isLast, isIncomplete };
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
}
