// A message: one change, or several in a batch. Once it has been sent, it is only sent again with the same id and content.
import { createHash } from 'node:crypto';
import type { Change } from '../../domain/change.js';
import { keyOf } from '../../storage/encoding/subject-key.js';
import type { FeedPosition } from '../../storage/feed-position.js';
import type { NumberedEvent } from '../occupancy/occupancy-event.js';

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

/** An occupancy event that waits to be delivered, or `occupancy.gap`: events up to its number have been dropped. */
export type WaitingEvent = Omit<NumberedEvent, 'type'> & { readonly type: NumberedEvent['type'] | 'occupancy.gap' };

export interface Message {
  /** None if it tells of a gap or an event. */
  readonly changes: readonly WaitingChange[];
  readonly gap?: Gap;
  readonly event?: WaitingEvent;
  /** Whether it has been sent, so that its content is fixed. */
  readonly isSealed: boolean;
  readonly isSending: boolean;
  readonly failures: number;
  readonly firstFailedAtMs?: number;
  /** Its failures since the endpoint has accepted another message after the first one: an outage does not explain these. */
  readonly refusals: number;
  /** Whether the last answer found fault with the message rather than with anything else. */
  readonly isRejected?: boolean;
  /** When it is sent again. */
  readonly nextAtMs: number;
}

/** `position`: as in WaitingChange. */
export function refOf({ position, shard }: { readonly position: FeedPosition; readonly shard: number }): ChangeRef {
  const { entry = '', changeOffset = 0 } = position[shard] ?? {};
  return `${shard}.${entry}.${changeOffset}` as ChangeRef;
}

/** Messages with a key in common are sent one after the other: the order per participant, per tag and per rule. */
export function orderKeysOf({ changes, event }: Pick<Message, 'changes' | 'event'>): string[] {
  // No other key begins with a space.
  return event ? [` ${event.key}`] : changes.map(({ change }) => keyOf(change.subject));
}

/** Of Standard Webhooks: the same for every attempt, in every process. Without dots, which separate what is signed. */
export function messageIdOf(message: Pick<Message, 'changes' | 'gap' | 'event'>): string {
  return `msg_${createHash('sha256').update(identityOf(message).join(' ')).digest('base64url').slice(0, 24)}`;
}

function identityOf({ changes, gap, event }: Pick<Message, 'changes' | 'gap' | 'event'>): (string | number)[] {
  if (gap) return ['gap', ...[...gap.from, ...gap.to].map(({ entry }) => entry)];
  // Its time, because a store that has lost events gives a number again.
  if (event) return [event.type, event.number, event.atMs];
  return changes.map(({ ref }) => ref);
}
