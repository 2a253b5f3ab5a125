// The state of a participant and its devices at a given time, derived from their connections.
// All transitions that only time causes are here: end of grace, end of leave grace, expiry.
import type { CurrentAvailability } from './availability.js';
import {
  type Connection,
  type EndedConnection,
  type EndStep,
  ended,
  expired,
  GONE_CAUSES,
  type GoneCause,
  graceEndMs,
  isOverAge,
  startMsOf,
} from './connection.js';
import type { DeviceId } from './lifecycle-event.js';
import type { PresencePolicy } from './policy.js';
import type { Rule } from './rules.js';
import { mergeStays, type Stay, startOfPresence, stayOf } from './stay.js';

export type PresenceState = 'connected' | 'reconnecting' | 'gone';
/** `expected`: an operator has announced the participant, and no event of a device or its end was received. */
export type ParticipantState = PresenceState | 'expected';

export const PRESENCE_STATES: readonly PresenceState[] = ['connected', 'reconnecting', 'gone'];
export const PARTICIPANT_STATES: readonly ParticipantState[] = [...PRESENCE_STATES, 'expected'];

/** `cause` is set if gone, `untilMs` (our clock) if reconnecting. */
export interface Presence<S extends ParticipantState = ParticipantState> {
  readonly state: S;
  /**
   * Provider time. Gone: the end. Reconnecting device: the disconnect. Expected: the announcement, on our clock. Else: the start
   * of the uninterrupted presence.
   */
  readonly sinceMs: number;
  readonly untilMs?: number;
  readonly cause?: GoneCause;
  /** Connected, but perhaps not: see `Doubt`. A participant is doubtful if all its connected devices are. */
  readonly isDoubtful: boolean;
}

export interface DeviceView extends Presence<PresenceState> {
  readonly deviceId: DeviceId;
  /** null: no connect event was received. */
  readonly connectedAtMs: number | null;
  readonly interruptions: number;
}

export interface ParticipantView extends Presence {
  /** By state (connected, reconnecting, gone), then by `sinceMs`. */
  readonly devices: readonly DeviceView[];
  /** undefined: unknown. Only if connected. */
  readonly availability?: CurrentAvailability;
}

export function isPresent(state: ParticipantState): boolean {
  return state === 'connected' || state === 'reconnecting';
}

/** The end of the connection if, by `nowMs`, it has expired or its grace is over. */
export function elapsed(connection: Connection, policy: PresencePolicy, nowMs: number): EndStep | undefined {
  if (connection.phase === 'open' && isOverAge(connection, nowMs, policy))
    return { rule: 'expired', connection: expired(connection, policy) };
  if (connection.phase === 'lost' && nowMs >= graceEndMs(connection, policy))
    return { rule: 'grace-over', connection: ended(connection) };
  return undefined;
}

/** Views always have the same members in the same order, so that V8 uses one hidden class for them. */
function deviceView(deviceId: DeviceId, settled: Connection, policy: PresencePolicy): DeviceView {
  const { connectedAtMs, interruptions } = settled;
  const view = (state: PresenceState, sinceMs: number, untilMs?: number, cause?: GoneCause): DeviceView => {
    const isDoubtful = settled.phase === 'open' && settled.doubt !== undefined;
    return { deviceId, state, sinceMs, untilMs, cause, isDoubtful, connectedAtMs, interruptions };
  };
  switch (settled.phase) {
    case 'open':
      return view('connected', startMsOf(settled) ?? settled.newestAtMs);
    case 'lost':
      return view('reconnecting', settled.lostAtMs, graceEndMs(settled, policy));
    case 'ended':
      return view('gone', settled.endedAtMs, undefined, settled.cause);
  }
}

export interface SettledDevice {
  readonly deviceId: DeviceId;
  readonly connection: Connection;
}

/**
 * A participant has the state of its most present device (connected, else reconnecting, else gone), but is `reconnecting`
 * during its leave grace.
 * `pastStays`: the stays of all connections other than the current ones of `devices`. `observe`: called with the rule that decides.
 */
export function participantView(
  devices: readonly SettledDevice[],
  pastStays: readonly Stay[],
  policy: PresencePolicy,
  nowMs: number,
  observe?: (rule: Rule) => void,
): ParticipantView {
  const views = devices.map(({ deviceId, connection }) => deviceView(deviceId, connection, policy));
  if (views.length > 1) views.sort(byStrength);
  const present = devices.filter(({ connection }) => connection.phase !== 'ended').map(({ connection }) => connection);
  const sinceMs = (of: readonly Connection[]) => {
    const last = devices.map(({ connection }) => stayOf(connection, policy));
    const stays = last.length + pastStays.length > 1 ? mergeStays([...pastStays, ...last]) : last;
    return Math.max(...of.map((connection) => startOfPresence(stays, stayOf(connection, policy))));
  };
  const strongest = views[0];
  if (!strongest) throw new Error('a participant without devices');
  if (strongest.state === 'connected') {
    observe?.('device-connected');
    const isDoubtful = views.every((view) => view.state !== 'connected' || view.isDoubtful);
    return { state: 'connected', sinceMs: sinceMs(present), isDoubtful, devices: views };
  }
  const last = lastEnded(devices);
  const graceOverMs = Math.max(...views.map((view) => view.untilMs ?? Number.NEGATIVE_INFINITY));
  const leaveGraceOverMs = leaveGraceEndMs(last, policy) ?? Number.NEGATIVE_INFINITY;
  const untilMs = Math.max(graceOverMs, leaveGraceOverMs);
  if (untilMs <= nowMs) {
    observe?.('all-devices-gone');
    return { state: 'gone', sinceMs: last.endedAtMs, cause: last.cause, isDoubtful: false, devices: views };
  }
  // While a leave grace that ends after all device grace periods is running, the presence continues, so the connection that
  // left counts for `since`.
  const isLeaveGrace = leaveGraceOverMs > graceOverMs;
  observe?.(isLeaveGrace ? 'in-leave-grace' : 'device-reconnecting');
  const holding = isLeaveGrace ? [...present, last] : present;
  return { state: 'reconnecting', sinceMs: sinceMs(holding), untilMs, isDoubtful: false, devices: views };
}

/** The end of the leave grace that follows this connection; undefined: there is none. */
export function leaveGraceEndMs(last: EndedConnection, policy: PresencePolicy): number | undefined {
  const hasLeaveGrace = last.cause === 'left' && policy.leaveGraceMs > 0 && !last.isFinal;
  return hasLeaveGrace ? last.endedReceivedAtMs + policy.leaveGraceMs : undefined;
}

/**
 * The connection that ends last if no event arrives. In the same millisecond, the first cause in GONE_CAUSES wins, then
 * the connection with the later receipt, then one with a leave grace. Must not be called while a device is open.
 */
export function lastEnded(devices: readonly SettledDevice[]): EndedConnection {
  const ends = devices.flatMap(({ connection }) => {
    if (connection.phase === 'open') return [];
    return connection.phase === 'lost' ? [ended(connection)] : [connection];
  });
  const last = ends.sort(
    (a, b) =>
      b.endedAtMs - a.endedAtMs ||
      GONE_CAUSES.indexOf(a.cause) - GONE_CAUSES.indexOf(b.cause) ||
      b.endedReceivedAtMs - a.endedReceivedAtMs ||
      Number(a.isFinal ?? false) - Number(b.isFinal ?? false),
  )[0];
  if (!last) throw new Error('a participant without devices');
  return last;
}

function byStrength(a: DeviceView, b: DeviceView): number {
  return (
    PRESENCE_STATES.indexOf(a.state) - PRESENCE_STATES.indexOf(b.state) ||
    a.sinceMs - b.sinceMs ||
    (a.deviceId < b.deviceId ? -1 : 1)
  );
}
