// How far the deliveries to an endpoint have got, as JSON: the position to read from, and what is not settled after it. Changes are
// named by where they are in the feed, and are read again from there.
import type { FeedPosition } from '../../storage/feed-position.js';
import type { DeliveryQueue, Health } from './delivery-queue.js';
import type { ChangeRef, Gap, Message, WaitingChange, WaitingEvent } from './message.js';

/** Of the stored text. A change of its shape needs a new one, and code that still reads this one. */
const FORMAT = 1;

/** A message without its changes. One that was never sent is only the name of its change. */
type StoredMessage =
  | ChangeRef
  | {
      readonly changes: readonly ChangeRef[];
      readonly gap?: Gap;
      readonly event?: WaitingEvent;
      readonly failures: number;
      readonly refusals: number;
      readonly isRejected?: boolean;
      readonly firstFailedAtMs?: number;
      readonly nextAtMs: number;
    };

export interface DeliveryState {
  /** What must be read again begins after it. */
  readonly position: FeedPosition;
  /** What was not read yet begins after it. */
  readonly cursor: FeedPosition;
  /** The same for occupancy events: the number of the last one that was read. */
  readonly eventCursor: number;
  readonly messages: readonly StoredMessage[];
  readonly health: Health;
  /** The last replay that was begun. */
  readonly replayId?: string | undefined;
  /** When the endpoint was changed last, as far as the delivery knows. */
  readonly settingsAtMs: number;
  /** When the oldest change that is not settled was received; undefined: all are settled. */
  readonly oldestAtMs?: number | undefined;
  /** Whether everything in the feed was read; undefined: no. */
  readonly isLive?: boolean | undefined;
  /** Why the last attempt failed, if it did. */
  readonly lastError?: string | undefined;
}

type Facts = Pick<DeliveryState, 'replayId' | 'lastError' | 'settingsAtMs' | 'isLive'> & {
  readonly queue: DeliveryQueue;
};

export function encodeState({ queue, ...facts }: Facts): string {
  const { position, cursor, eventCursor, messages, health, oldestAtMs } = queue;
  const stored = messages.map(toStored);
  return JSON.stringify({
    format: FORMAT,
    position,
    cursor,
    eventCursor,
    messages: stored,
    health,
    ...facts,
    oldestAtMs,
  });
}

/** Throws if the text is not a result of `encodeState`. */
export function decodeState(text: string): DeliveryState {
  const { format, ...state } = JSON.parse(text) as DeliveryState & { readonly format: number };
  if (format !== FORMAT) throw new Error(`a delivery was stored in the unknown format ${format}`);
  return state;
}

/** undefined: the text cannot be decoded. The delivery then begins anew, since that only sends changes again. */
export function tryDecodeState(text: string): DeliveryState | undefined {
  try {
    return decodeState(text);
  } catch {
    return undefined;
  }
}

/** `read`: what was read again from the position to the cursor, in order. Changes that are missing from it are left out. */
export function restoreMessages(
  { messages, position }: DeliveryState,
  read: readonly Omit<WaitingChange, 'before'>[],
): Message[] {
  const found = new Map<ChangeRef, WaitingChange>();
  let before = position;
  for (const change of read) {
    found.set(change.ref, { ...change, before });
    before = change.position;
  }
  const order = new Map([...found.keys()].map((ref, n) => [ref, n]));
  const placeOf = ({ changes }: Message) => order.get(changes[0]?.ref as ChangeRef) ?? -1;
  return messages
    .map((stored) => toMessage(stored, found))
    .filter(({ changes, gap, event }) => changes.length > 0 || gap !== undefined || event !== undefined)
    .sort((a, b) => placeOf(a) - placeOf(b));
}

function toStored({
  changes,
  gap,
  event,
  isSealed,
  failures,
  refusals,
  isRejected,
  firstFailedAtMs,
  nextAtMs,
}: Message): StoredMessage {
  const refs = changes.map(({ ref }) => ref);
  const [only] = refs;
  if (!isSealed && only !== undefined) return only;
  return {
    changes: refs,
    ...(gap && { gap }),
    ...(event && { event }),
    failures,
    refusals,
    nextAtMs,
    ...(isRejected && { isRejected }),
    ...(firstFailedAtMs !== undefined && { firstFailedAtMs }),
  };
}

function toMessage(stored: StoredMessage, found: ReadonlyMap<ChangeRef, WaitingChange>): Message {
  const { changes, gap, ...rest } =
    typeof stored === 'string' ? { changes: [stored], gap: undefined, failures: 0, refusals: 0, nextAtMs: 0 } : stored;
  const isSealed = typeof stored !== 'string';
  const known = changes.flatMap((ref) => found.get(ref) ?? []);
  return { ...rest, changes: known, ...(gap && { gap }), isSealed, isSending: false };
}
