// One connection of a device and its state transitions, one function per kind of event.
// Nothing here reads the clock: the same events always fold to the same connection. Transitions that only time causes
// (end of grace, expiry) are derived from the connection in presence-view.ts.
import { type DeviceEvent, orderedAtMs } from './lifecycle-event.js';
import type { PresencePolicy } from './policy.js';
import type { Rule } from './rules.js';

/** In order of precedence for connections that ended in the same millisecond. */
export const GONE_CAUSES = ['left', 'ended', 'lost', 'reconciled', 'superseded', 'expired'] as const;

export type GoneCause = (typeof GONE_CAUSES)[number];

/** What a connection keeps in all its phases. */
interface Start {
  /** null: no connect event was received. */
  readonly connectedAtMs: number | null;
  /** Set if the connection is known from an observation, since its connect event was not received. */
  readonly sightedAtMs?: number;
  readonly interruptions: number;
}

export interface OpenConnection extends Start {
  readonly phase: 'open';
  /**
   * More than one if a client reconnected before the provider noticed that its previous socket was dead. 0: opened by an
   * observation; the next connect event is that of the same socket.
   */
  readonly sockets: number;
  /** When the newest connect event or, if none was received, the observation that opened the connection occurred. */
  readonly newestAtMs: number;
  /** When the newest connect event or observation was received. */
  readonly newestReceivedAtMs: number;
  /** The time of the newest observation. */
  readonly seenAtMs?: number;
  readonly doubt?: Doubt;
}

/** The device may be gone: a disconnect was attributed to an older socket, or only an observation contradicts an end. */
interface Doubt {
  readonly sinceMs: number;
  /** When, by our clock, the provider can first be asked about it. */
  readonly askAtMs: number;
}

/** Signalling has disconnected. The next event, or the end of grace, decides whether this is an interruption or the end. */
export interface LostConnection extends Start {
  readonly phase: 'lost';
  readonly lostAtMs: number;
  readonly lostReceivedAtMs: number;
  /** The provider's API did not list the device; no disconnect was received. */
  readonly isUnseen?: true;
}

export interface EndedConnection extends Start {
  readonly phase: 'ended';
  readonly cause: GoneCause;
  readonly endedAtMs: number;
  readonly endedReceivedAtMs: number;
  /** An operator ended the presence, so no leave grace follows. */
  readonly isFinal?: true;
}

export type Connection = OpenConnection | LostConnection | EndedConnection;

/** One transition. `previous`: the earlier connection, if a new one started. */
export interface Step {
  readonly rule: Rule;
  readonly connection: Connection | undefined;
  readonly previous?: EndedConnection;
}

export interface EndStep extends Step {
  readonly connection: EndedConnection;
}

/** The connection after one more event. Events must be given in order. */
export function step(current: Connection | undefined, event: DeviceEvent, policy: PresencePolicy): Step {
  switch (event.kind) {
    case 'connected':
      return onConnected(current, event, policy);
    case 'disconnected':
      return onDisconnected(current, event, policy);
    case 'left':
      return onLeft(current, event, policy);
    case 'participant-disconnected':
    case 'participant-left':
      return onParticipantEnd(current, event, policy);
    case 'ended':
      return onEnded(current, event);
    case 'seen':
      return onSeen(current, event, policy);
    case 'unseen':
      return onUnseen(current, event, policy);
  }
}

function onConnected(current: Connection | undefined, event: DeviceEvent, policy: PresencePolicy): Step {
  if (current === undefined) return { rule: 'opened', connection: opened(event) };
  if (current.phase === 'open') {
    if (isOverAge(current, event.receivedAtMs, policy))
      return { rule: 'opened-after-expiry', connection: opened(event), previous: expired(current, policy) };
    const rule = current.sockets === 0 ? 'sighting-confirmed' : 'socket-added';
    const connectedAtMs = startMsOf(current) ?? orderedAtMs(event);
    const sockets = current.sockets + 1;
    return { rule, connection: { phase: 'open', ...startOf(current), connectedAtMs, sockets, ...newest(event) } };
  }
  if (current.phase === 'lost') {
    const gapMs = orderedAtMs(event) - current.lostAtMs;
    const startMs = startMsOf(current);
    if (gapMs <= policy.graceMs && startMs !== undefined) {
      const start = { ...startOf(current), connectedAtMs: startMs, interruptions: current.interruptions + 1 };
      return { rule: 'resumed', connection: { phase: 'open', ...start, sockets: 1, ...newest(event) } };
    }
    return { rule: 'opened-after-loss', connection: opened(event), previous: ended(current) };
  }
  return { rule: 'opened-again', connection: opened(event), previous: current };
}

function onDisconnected(current: Connection | undefined, event: DeviceEvent, policy: PresencePolicy): Step {
  if (current === undefined) return { rule: 'lost-without-connect', connection: lost(event, undefined) };
  // This disconnect is newer than all events known when the operator ended the device, so it undoes that end.
  if (isEndedByOperator(current)) return { rule: 'operator-end-undone', connection: lost(event, current) };
  // The device was connected in between, but that connect was not received. After grace, a further disconnect only repeats an
  // end that was announced. If the loss was only `unseen`, this disconnect has the better time.
  if (current.phase === 'lost' && event.receivedAtMs < graceEndMs(current, policy))
    return { rule: current.isUnseen ? 'loss-confirmed' : 'lost-again', connection: lost(event, current) };
  if (current.phase !== 'open') return { rule: 'ignored-end-known', connection: current };
  // A disconnect does not show that the device is alive, so it must not make it reconnecting.
  if (isOverAge(current, event.receivedAtMs, policy))
    return { rule: 'already-expired', connection: expired(current, policy) };
  const atMs = endAtMs(event, current);
  // The two events may come from hosts whose clocks differ.
  const isNoticedLate = atMs - current.newestAtMs <= policy.overlapMs + policy.clockSkewMs;
  const isOlderSocket = policy.socketsPerDevice === 'many' && current.sockets >= 2 && isNoticedLate;
  if (!isOlderSocket) return { rule: 'lost', connection: lost(event, current) };
  const doubt = { sinceMs: atMs, askAtMs: event.receivedAtMs };
  return { rule: 'older-socket-closed', connection: { ...current, sockets: current.sockets - 1, doubt } };
}

function onLeft(current: Connection | undefined, event: DeviceEvent, policy: PresencePolicy): Step {
  if (current === undefined) return { rule: 'left-without-connect', connection: leftNow(current, event) };
  if (current.phase === 'open') return { rule: 'left', connection: leftNow(current, event) };
  if (current.phase === 'lost') {
    if (current.isUnseen && event.receivedAtMs < graceEndMs(current, policy))
      return { rule: 'left', connection: leftNow(current, event) };
    // The client left on purpose: the cause becomes `left`, and the end time remains that of the disconnect.
    return { rule: 'left-while-lost', connection: ended(current, 'left') };
  }
  if (current.cause === 'expired') return { rule: 'left-after-expiry', connection: leftNow(current, event) };
  if (!isEndedByOperator(current)) return { rule: 'ignored-end-known', connection: current };
  // A leave grace that starts now would make the participant present again.
  return { rule: 'left-after-operator-end', connection: { ...leftNow(current, event), isFinal: true } };
}

function leftNow(current: Connection | undefined, event: DeviceEvent): EndedConnection {
  return endedNow(current, 'left', endAtMs(event, current), event.receivedAtMs);
}

/** Ends a device that is connected, with all its sockets, or lost. It says nothing of other devices. */
function onParticipantEnd(current: Connection | undefined, event: DeviceEvent, policy: PresencePolicy): Step {
  if (current === undefined) return { rule: 'ignored-not-connected', connection: current };
  if (current.phase === 'ended') return { rule: 'ignored-end-known', connection: current };
  if (event.kind === 'participant-left') return onLeft(current, event, policy);
  // A loss that was received is that of this device; this may be the loss of another one.
  if (current.phase === 'lost' && !current.isUnseen) return { rule: 'ignored-other-device', connection: current };
  return onDisconnected(current.phase === 'open' ? { ...current, sockets: 1 } : current, event, policy);
}

/**
 * The end takes effect at the current time on our clock. The event's own time is that of the newest event before it, and
 * serves only to order it.
 */
function onEnded(current: Connection | undefined, event: DeviceEvent): Step {
  if (current?.phase === 'ended') return { rule: 'leave-grace-cancelled', connection: { ...current, isFinal: true } };
  const atMs = Math.max(orderedAtMs(event), event.receivedAtMs);
  return { rule: 'ended-by-operator', connection: endedNow(current, 'ended', atMs, event.receivedAtMs) };
}

/** An observation is a sign of life, but not a connect: it adds no socket, and supersedes no device. */
function onSeen(current: Connection | undefined, event: DeviceEvent, policy: PresencePolicy): Step {
  const { receivedAtMs, askedAtMs = receivedAtMs } = event;
  const seenAtMs = orderedAtMs(event);
  if (current === undefined) return { rule: 'sighted', connection: sighted(event) };
  const isOpen = current.phase === 'open' && !isOverAge(current, receivedAtMs, policy);
  if (isOpen) {
    const { doubt: _settled, ...certain } = current;
    return { rule: 'seen', connection: { ...certain, newestReceivedAtMs: receivedAtMs, seenAtMs } };
  }
  // The provider is asked once more after grace, since its answer contradicts what was received.
  const doubt = { sinceMs: seenAtMs, askAtMs: receivedAtMs + policy.graceMs };
  if (current.phase === 'lost' && receivedAtMs < graceEndMs(current, policy)) {
    const start = { ...startOf(current), interruptions: current.interruptions + 1 };
    const connection = { ...sighted(event), ...start, doubt };
    return { rule: 'seen-while-lost', connection };
  }
  // The answer may be older than `listLagMs`, so an end received less than a grace period before the question is kept.
  const isReceived = current.phase === 'ended' && current.cause !== 'expired';
  if (isReceived && askedAtMs < current.endedReceivedAtMs + policy.graceMs)
    return { rule: 'ignored-old-answer', connection: current };
  return { rule: 'seen-after-end', connection: { ...sighted(event), doubt }, previous: previousOf(current, policy) };
}

/** An end that was not received. It starts the grace, so that a webhook in transit or an outdated answer does no harm. */
function onUnseen(current: Connection | undefined, event: DeviceEvent, policy: PresencePolicy): Step {
  if (current === undefined) return { rule: 'ignored-not-connected', connection: current };
  if (current.phase !== 'open') return { rule: 'ignored-end-known', connection: current };
  if (isOverAge(current, event.receivedAtMs, policy))
    return { rule: 'already-expired', connection: expired(current, policy) };
  return { rule: 'unseen', connection: { ...lost(event, current), isUnseen: true } };
}

function previousOf(current: Connection, policy: PresencePolicy): EndedConnection {
  switch (current.phase) {
    case 'open':
      return expired(current, policy);
    case 'lost':
      return ended(current);
    case 'ended':
      return current;
  }
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
  return { phase: 'ended', cause, ...startOf(current), endedAtMs, endedReceivedAtMs };
}

/** The members that a connection keeps in its next phase. */
export function startOf(connection: Start | undefined): Start {
  const { connectedAtMs = null, interruptions = 0, sightedAtMs } = connection ?? {};
  return sightedAtMs === undefined ? { connectedAtMs, interruptions } : { connectedAtMs, interruptions, sightedAtMs };
}

/** The earliest time at which the connection is known to have been open; undefined: only its end was received. */
export function startMsOf({ connectedAtMs, sightedAtMs }: Start): number | undefined {
  return connectedAtMs ?? sightedAtMs;
}

export function graceEndMs(connection: LostConnection, policy: PresencePolicy): number {
  return connection.lostReceivedAtMs + policy.graceMs;
}

/**
 * Whether more than `maxConnectionMs` have passed since the newest connect or observation was received: the webhook that
 * ended the connection must have been lost.
 */
export function isOverAge(connection: OpenConnection, nowMs: number, policy: PresencePolicy): boolean {
  return nowMs - connection.newestReceivedAtMs > policy.maxConnectionMs;
}

export function expired(connection: OpenConnection, policy: PresencePolicy): EndedConnection {
  const { newestAtMs, newestReceivedAtMs, seenAtMs = newestAtMs } = connection;
  return {
    phase: 'ended',
    cause: 'expired',
    ...startOf(connection),
    endedAtMs: Math.max(newestAtMs, seenAtMs) + policy.maxConnectionMs,
    endedReceivedAtMs: newestReceivedAtMs + policy.maxConnectionMs,
  };
}

export function ended(
  connection: LostConnection,
  cause: GoneCause = connection.isUnseen ? 'reconciled' : 'lost',
): EndedConnection {
  const { lostAtMs: endedAtMs, lostReceivedAtMs: endedReceivedAtMs } = connection;
  return { phase: 'ended', cause, ...startOf(connection), endedAtMs, endedReceivedAtMs };
}

function opened(event: DeviceEvent): OpenConnection {
  return { phase: 'open', connectedAtMs: orderedAtMs(event), interruptions: 0, sockets: 1, ...newest(event) };
}

function sighted(event: DeviceEvent): OpenConnection {
  const seenAtMs = orderedAtMs(event);
  return {
    phase: 'open',
    connectedAtMs: null,
    sightedAtMs: seenAtMs,
    interruptions: 0,
    sockets: 0,
    ...newest(event),
    seenAtMs,
  };
}

function newest(event: DeviceEvent): Pick<OpenConnection, 'newestAtMs' | 'newestReceivedAtMs'> {
  return { newestAtMs: orderedAtMs(event), newestReceivedAtMs: event.receivedAtMs };
}

/** `current`: what was open or lost before. */
function lost(event: DeviceEvent, current: Connection | undefined): LostConnection {
  return {
    phase: 'lost',
    ...startOf(current),
    lostAtMs: endAtMs(event, current),
    lostReceivedAtMs: event.receivedAtMs,
  };
}
