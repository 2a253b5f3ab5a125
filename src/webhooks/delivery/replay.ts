// Where a replay begins. No I/O.
import { compareEntries, type FeedPosition, isSameEpoch, moveTo } from '../../storage/feed-position.js';
import type { Endpoint } from '../endpoint.js';
import type { DeliveryState } from './delivery-state.js';

/** The state from which a replay begins: never later than what is not settled. `state` itself if no replay is to begin. */
export function withReplay(
  { replay, start, eventStart }: Endpoint,
  state: DeliveryState | undefined,
): DeliveryState | undefined {
  if (!replay || replay.id === state?.replayId) return state;
  const position = earlier(replay.from, state?.position ?? start);
  // Reading again from the position does not find these gaps, so that the endpoint would never be told.
  const gaps = state?.messages.filter((one) => typeof one !== 'string' && one.gap !== undefined) ?? [];
  const health = state?.health ?? { failures: 0 };
  const waiting = state?.messages.flatMap((one) => (typeof one === 'string' ? [] : (one.event ?? []))) ?? [];
  const settled = waiting.map(({ number }) => number - 1);
  const eventCursor = Math.min(replay.fromEvent, state?.eventCursor ?? eventStart, ...settled);
  return { health, position, cursor: position, eventCursor, messages: gaps, replayId: replay.id, settingsAtMs: 0 };
}

/** In each shard. */
function earlier(a: FeedPosition, b: FeedPosition): FeedPosition {
  return b.reduce((position, other, shard) => {
    const own = a[shard];
    const isEarlier = own && isSameEpoch(own.epoch, other.epoch) && compareEntries(own.entry, other.entry) < 0;
    return isEarlier ? moveTo(position, shard, own) : position;
  }, b);
}
