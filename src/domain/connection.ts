// One connection of a device and its state transitions, one function per kind of event.
// Nothing here reads the clock: the same events always fold to the same connection. Transitions that only time causes
// (end of grace, expiry) are derived from the connection in presence-view.ts.
import { type DeviceEvent, orderedAtMs } from './lifecycle-event.js';
import type { PresencePolicy } from './policy.js';

/** In order of precedence for connections that ended in the same millisecond. */
export const GONE_CAUSES = ['left', 'ended', 'lost', 'superseded', 'expired'] as const;

export type GoneCause = (typeof GONE_CAUSES)[number];

export interface OpenConnection {
  readonly phase: 'open';
  readonly connectedAtMs: number;
  readonly interruptions: number;
  /** More than one if a client reconnected before the provider noticed that its previous socket was dead. */
  readonly sockets: number;
  /** When the newest connect event occurred and was received. */
  readonly newestAtMs: number;
  readonly newestReceivedAtMs: number;
}

/** Signalling has disconnected. The next event, or the end of grace, decides whether this is an interruption or the end. */
export interface LostConnection {
  readonly phase: 'lost';
  /** null: no connect event was received. */
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
  /** An operator ended the presence, so no leave grace follows. */
  readonly isFinal?: true;
}

export type Connection = OpenConnection | LostConnection | EndedConnection;

/** `previous`: the earlier connection, if the event started a new one. */
export interface Step {
  readonly connection: Connection;
  readonly previous?: EndedConnection;
}

/** The connection after one more event. Events must be given in order. */
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
  // This disconnect is newer than all events known when the operator ended the device, so it undoes that end.
  if (isEndedByOperator(current)) return lost(event, current.connectedAtMs, current.interruptions);
  // It was connected in between, but that connect was not received. Later ones are repeats of the end that was announced.
  if (current.phase === 'lost' && event.receivedAtMs < graceEndMs(current, policy))
    return lost(event, current.connectedAtMs, current.interruptions);
  if (current.phase !== 'open') return current;
  // Already expired. A disconnect does not show that the device is alive, so it must not make it reconnecting.
  if (isOverAge(current, event.receivedAtMs, policy)) return expired(current, policy);
  const sinceNewestMs = endAtMs(event, current) - current.newestAtMs;
  if (current.sockets >= 2 && sinceNewestMs <= policy.overlapMs) return { ...current, sockets: current.sockets - 1 };
  return { ...lost(event, current.connectedAtMs, current.interruptions), lostAtMs: endAtMs(event, current) };
}

function onLeft(current: Connection | undefined, event: DeviceEvent): Connection {
  // The client left on purpose: the cause becomes `left`, and the end time remains that of the disconnect.
  if (current?.phase === 'lost') return ended(current, 'left');
  if (current?.phase === 'ended' && current.cause !== 'expired' && !isEndedByOperator(current)) return current;
  const left = endedNow(current, 'left', endAtMs(event, current), event.receivedAtMs);
  // Already ended by an operator: a leave grace that starts now would make the participant present again.
  return current && isEndedByOperator(current) ? { ...left, isFinal: true } : left;
}

/**
 * The end takes effect at the current time on our clock. The event's own time is that of the newest event before it, and
 * serves only to order it.
 */
function onEnded(current: Connection | undefined, event: DeviceEvent): Connection {
  if (current?.phase === 'ended') return { ...current, isFinal: true };
  return endedNow(current, 'ended', Math.max(orderedAtMs(event), event.receivedAtMs), event.receivedAtMs);
}

/** Not before the newest connect: with skewed clocks, an end may carry an earlier time; see clock-skew.ts. */
function endAtMs(event: DeviceEvent, current: Connection | undefined): number {
  const atMs = orderedAtMs(event);
  return current?.phase === 'open' ? Math.max(atMs, current.newestAtMs) : atMs;
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

export function graceEndMs(connection: LostConnection, policy: PresencePolicy): number {
  return connection.lostReceivedAtMs + policy.graceMs;
}

/** Whether no end event was received within the maximum connection age: its webhook must have been lost. */
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
