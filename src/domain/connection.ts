// One connection of a device, and how each kind of event moves it: the table of transitions, one function a row.
// It never asks what time it is. What time alone brings about (grace over, expiry) is read from a connection later,
// in presence-view.ts, so that the same events always fold to the same connection.
import { type DeviceEvent, orderedAtMs } from './lifecycle-event.js';
import type { PresencePolicy } from './policy.js';

/** The surest one first. */
export const GONE_CAUSES = ['left', 'ended', 'lost', 'expired'] as const;

export type GoneCause = (typeof GONE_CAUSES)[number];

export interface OpenConnection {
  readonly phase: 'open';
  readonly connectedAtMs: number;
  readonly interruptions: number;
  /** A client may open its next socket before the provider notices that the last one died. */
  readonly sockets: number;
  readonly newestAtMs: number;
  readonly newestReceivedAtMs: number;
}

/** Signalling was lost; the next event, or time, tells whether this was an interruption or the end. */
export interface LostConnection {
  readonly phase: 'lost';
  /** null when no connect was received. */
  readonly connectedAtMs: number | null;
  readonly interruptions: number;
  readonly lostAtMs: number;
  readonly lostReceivedAtMs: number;
}

export interface EndedConnection {
  readonly phase: 'ended';
  readonly cause: GoneCause;
  readonly connectedAtMs: number | null;
  readonly interruptions: number;
  readonly endedAtMs: number;
  readonly endedReceivedAtMs: number;
  /** An operator has ended the leave grace, too. */
  readonly isFinal?: true;
}

export type Connection = OpenConnection | LostConnection | EndedConnection;

/** `previous` is the connection that the event proved to be over, when it also began a new one. */
export interface Step {
  readonly connection: Connection;
  readonly previous?: EndedConnection;
}

/** The connection of a device after one more event, the events coming in order. */
export function step(current: Connection | undefined, event: DeviceEvent, policy: PresencePolicy): Step {
  switch (event.kind) {
    case 'connected':
      return onConnected(current, event, policy);
    case 'disconnected':
      return { connection: onDisconnected(current, event, policy) };
    case 'left':
      return { connection: onLeft(current, event) };
    case 'ended':
      return { connection: onEnded(current, event) };
  }
}

function onConnected(current: Connection | undefined, event: DeviceEvent, policy: PresencePolicy): Step {
  if (current?.phase === 'open') {
    if (isOverAge(current, event.receivedAtMs, policy))
      return { connection: opened(event), previous: expired(current, policy) };
    return { connection: { ...current, sockets: current.sockets + 1, ...newest(event) } };
  }
  if (current?.phase === 'lost') {
    const gapMs = orderedAtMs(event) - current.lostAtMs;
    if (gapMs <= policy.graceMs && current.connectedAtMs !== null) {
      const { connectedAtMs, interruptions } = current;
      const sockets = 1;
      return {
        connection: { phase: 'open', connectedAtMs, interruptions: interruptions + 1, sockets, ...newest(event) },
      };
    }
    return { connection: opened(event), previous: ended(current, 'lost') };
  }
  return { connection: opened(event), ...(current && { previous: current }) };
}

function onDisconnected(current: Connection | undefined, event: DeviceEvent, policy: PresencePolicy): Connection {
  if (current === undefined) return lost(event, null, 0);
  // It was there until now, so the operator was mistaken.
  if (isEndedByOperator(current)) return lost(event, current.connectedAtMs, current.interruptions);
  if (current.phase !== 'open') return current;
  // Gone already, as expired: a loss is no sign of life and must not bring it back as reconnecting.
  if (isOverAge(current, event.receivedAtMs, policy)) return expired(current, policy);
  const sinceNewestMs = orderedAtMs(event) - current.newestAtMs;
  if (current.sockets >= 2 && sinceNewestMs <= policy.overlapMs) return { ...current, sockets: current.sockets - 1 };
  return lost(event, current.connectedAtMs, current.interruptions);
}

function onLeft(current: Connection | undefined, event: DeviceEvent): Connection {
  // Asked for, so it was no accident: the cause is upgraded, the time of the loss stands.
  if (current?.phase === 'lost') return ended(current, 'left');
  if (current?.phase === 'ended' && current.cause !== 'expired' && !isEndedByOperator(current)) return current;
  const left = endedNow(current, 'left', orderedAtMs(event), event.receivedAtMs);
  // It is gone already: a leave grace would bring it back.
  return current && isEndedByOperator(current) ? { ...left, isFinal: true } : left;
}

/** The time of the end is that of our clock: the event's own is that of the newest event that it follows. */
function onEnded(current: Connection | undefined, event: DeviceEvent): Connection {
  if (current?.phase === 'ended') return { ...current, isFinal: true };
  return endedNow(current, 'ended', Math.max(orderedAtMs(event), event.receivedAtMs), event.receivedAtMs);
}

function isEndedByOperator(connection: Connection): boolean {
  return connection.phase === 'ended' && connection.cause === 'ended';
}

function endedNow(
  current: Connection | undefined,
  cause: GoneCause,
  endedAtMs: number,
  endedReceivedAtMs: number,
): EndedConnection {
  const { connectedAtMs = null, interruptions = 0 } = current ?? {};
  return { phase: 'ended', cause, connectedAtMs, interruptions, endedAtMs, endedReceivedAtMs };
}

/** No end of it was received for too long: the webhook must have been lost. */
export function isOverAge(connection: OpenConnection, nowMs: number, policy: PresencePolicy): boolean {
  return nowMs - connection.newestReceivedAtMs > policy.maxConnectionMs;
}

export function expired(connection: OpenConnection, policy: PresencePolicy): EndedConnection {
  return {
    phase: 'ended',
    cause: 'expired',
    connectedAtMs: connection.connectedAtMs,
    interruptions: connection.interruptions,
    endedAtMs: connection.newestAtMs + policy.maxConnectionMs,
    endedReceivedAtMs: connection.newestReceivedAtMs + policy.maxConnectionMs,
  };
}

export function ended(connection: LostConnection, cause: 'left' | 'lost'): EndedConnection {
  return {
    phase: 'ended',
    cause,
    connectedAtMs: connection.connectedAtMs,
    interruptions: connection.interruptions,
    endedAtMs: connection.lostAtMs,
    endedReceivedAtMs: connection.lostReceivedAtMs,
  };
}

function opened(event: DeviceEvent): OpenConnection {
  return { phase: 'open', connectedAtMs: orderedAtMs(event), interruptions: 0, sockets: 1, ...newest(event) };
}

function newest(event: DeviceEvent): Pick<OpenConnection, 'newestAtMs' | 'newestReceivedAtMs'> {
  return { newestAtMs: orderedAtMs(event), newestReceivedAtMs: event.receivedAtMs };
}

function lost(event: DeviceEvent, connectedAtMs: number | null, interruptions: number): LostConnection {
  return {
    phase: 'lost',
    connectedAtMs,
    interruptions,
    lostAtMs: orderedAtMs(event),
    lostReceivedAtMs: event.receivedAtMs,
  };
}
