// The clocks of a provider's hosts may differ, so an end may carry an earlier time than its own connect. Ordered by time it
// would end nothing, and the connect after it would stay open for hours.
import { type Connection, startMsOf } from './connection.js';
import { type DeviceEvent, isParticipantEnd, isSequenced, orderedAtMs } from './lifecycle-event.js';
import type { PresencePolicy } from './policy.js';

/**
 * Returns the events, with the next connect moved before the end at `index` if that end belongs to it: if the clock was so far
 * ahead that both were capped, or if the end is a leave that was received after the connect and is dated at most `clockSkewMs`
 * earlier. A disconnect with such a time is usually that of an older socket. An end with something to end stays where it is:
 * most of those that are received late belong to the connection before.
 */
export function withConnectFirst(
  events: readonly DeviceEvent[],
  index: number,
  before: Connection | undefined,
  policy: PresencePolicy,
): readonly DeviceEvent[] {
  const end = events[index];
  if (!end || !isUnmatched(end, before)) return events;
  const next = events.findIndex((event, n) => n > index && !isEnd(event) && !isParticipantEnd(event));
  const connect = events[next];
  if (connect?.kind !== 'connected' || !isSkewed(connect, end, policy)) return events;
  return events.toSpliced(next, 1).toSpliced(index, 0, connect);
}

function isSkewed(connect: DeviceEvent, end: DeviceEvent, { clockSkewMs }: PresencePolicy): boolean {
  if (isSequenced(connect) && isSequenced(end)) return false;
  if (connect.cappedAtMs !== undefined && end.cappedAtMs !== undefined) return connect.occurredAtMs <= end.occurredAtMs;
  const isLate = connect.receivedAtMs < end.receivedAtMs;
  return end.kind === 'left' && isLate && orderedAtMs(connect) - orderedAtMs(end) <= clockSkewMs;
}

function isEnd({ kind }: DeviceEvent): boolean {
  return kind === 'disconnected' || kind === 'left';
}

/** Whether every earlier connection has already ended, so that this end matches none. */
function isUnmatched(end: DeviceEvent, before: Connection | undefined): boolean {
  if (before === undefined) return isEnd(end);
  if (end.kind !== 'left') return false;
  return before.phase === 'lost'
    ? startMsOf(before) === undefined
    : before.phase === 'ended' && before.cause === 'left';
}
