// A message: one change, or several in a batch. Once it has been sent, it is only sent again with the same id and content.
import { createHash } from 'node:crypto';
import type { Change } from '../../domain/change.js';
import { keyOf } from '../../storage/encoding/subject-key.js';
import type { FeedPosition } from '../../storage/feed-position.js';

/** Where a change is in the feed: shard, entry and number within the entry. The same in every process. */
export type ChangeRef = string & { readonly brand: 'ChangeRef' };

/** A change that was read from the feed, and waits to be delivered. */
export interface WaitingChange {
  readonly ref: ChangeRef;
  readonly change: Change;
  /** Right after it. */
  readonly position: FeedPosition;
  /** A position from which it is read again, with all that was read after it. */
  readonly before: FeedPosition;
}

/** Changes that the feed no longer had when they were to be read. */
export interface Gap {
  readonly from: FeedPosition;
  readonly to: FeedPosition;
  readonly atMs: number;
}

export interface Message {
  /** None if it tells of a gap. */
  readonly changes: readonly WaitingChange[];
  readonly gap?: Gap;
  /** Whether it has been sent, so that its content is fixed. */
  readonly isSealed: boolean;
  readonly isSending: boolean;
  readonly failures: number;
  readonly firstFailedAtMs?: number;
  /** The failures since the endpoint has taken another message after that: those that are not the fault of an outage. */
  readonly refusals: number;
  /** When it is sent again. */
  readonly nextAtMs: number;
}

/** `position`: as in WaitingChange. */
export function refOf({ position, shard }: { readonly position: FeedPosition; readonly shard: number }): ChangeRef {
  const { entry = '', changeOffset = 0 } = position[shard] ?? {};
  return `${shard}.${entry}.${changeOffset}` as ChangeRef;
}

/** Messages with a key in common are sent one after the other: the order per participant. */
export function orderKeysOf({ changes }: Pick<Message, 'changes'>): string[] {
  return changes.map(({ change }) => keyOf(change.subject));
}

/** Of Standard Webhooks: the same for every attempt, in every process. Without dots, which separate what is signed. */
export function messageIdOf({ changes, gap }: Pick<Message, 'changes' | 'gap'>): string {
  const parts = gap ? ['gap', ...[...gap.from, ...gap.to].map(({ entry }) => entry)] : changes.map(({ ref }) => ref);
  return `msg_${createHash('sha256').update(parts.join(' ')).digest('base64url').slice(0, 24)}`;
}
