// Bounds the size of a record: devices beyond a limit are evicted, and so are those past their retention.
// Devices without a connect event have a separate limit: any stray end event creates such a device, so they must not evict
// connected devices or affect which events of other devices are stale.
import { type EndedConnection, ended, startMsOf, startOf } from './connection.js';
import { isForgettable } from './deadline.js';
import { type DeviceHistory, lastEventAtMs } from './device-history.js';
import type { DeviceEvent, DeviceId } from './lifecycle-event.js';
import type { PresencePolicy } from './policy.js';
import type { ParticipantState, SettledDevice } from './presence-view.js';

/** Every page reload creates a device. Beyond the limit, ended devices are evicted first. */
export const MAX_DEVICES = 32;
/** Devices for which only end events were received: their connect event is late or lost. */
export const MAX_DEVICES_WITHOUT_CONNECT = 8;

export interface HeldDevice extends SettledDevice {
  readonly history: DeviceHistory;
  /** The events of the history in the order in which they were folded. */
  readonly folded: readonly DeviceEvent[];
  /** Connections that ended before the current one began. */
  readonly earlier: readonly EndedConnection[];
}

/**
 * Splits devices into those to keep and those to evict. Evicted devices are returned as ended, because no later event can
 * end them. `wasHeld`: whether a device was already in the record. In the same phase, such devices take precedence, so that
 * new end events do not evict a device that is reconnecting.
 */
export function limitDevices(
  devices: readonly HeldDevice[],
  wasHeld: (deviceId: DeviceId) => boolean,
  nowMs: number,
): { held: readonly HeldDevice[]; excess: HeldDevice[] } {
  if (devices.length <= MAX_DEVICES_WITHOUT_CONNECT) return { held: devices, excess: [] };
  const seen = devices.filter(wasSeenToConnect).sort(byLife);
  const unseen = devices
    .filter((device) => !wasSeenToConnect(device))
    .sort((a, b) => byPhase(a, b) || Number(wasHeld(b.deviceId)) - Number(wasHeld(a.deviceId)) || byLife(a, b));
  const excess = [...seen.slice(MAX_DEVICES), ...unseen.slice(MAX_DEVICES_WITHOUT_CONNECT)];
  if (excess.length === 0) return { held: devices, excess };
  return {
    held: [...seen.slice(0, MAX_DEVICES), ...unseen.slice(0, MAX_DEVICES_WITHOUT_CONNECT)],
    excess: excess.map((device) => ({ ...device, connection: endEvicted(device, nowMs) })),
  };
}

export function wasSeenToConnect({ connection }: SettledDevice): boolean {
  return startMsOf(connection) !== undefined;
}

/**
 * Whether a device is past retention. The devices of a participant that is gone are only dropped together: each of them
 * may determine when and why its presence ended.
 */
export function isOutdated(
  device: HeldDevice,
  devices: readonly HeldDevice[],
  state: ParticipantState,
  policy: PresencePolicy,
  nowMs: number,
): boolean {
  const isOld = ({ connection }: HeldDevice) =>
    connection.phase === 'ended' && isForgettable(connection, policy, nowMs);
  return isOld(device) && (state !== 'gone' || devices.every(isOld));
}

const LIVELIEST_FIRST = ['open', 'lost', 'ended'] as const;

function byPhase(a: HeldDevice, b: HeldDevice): number {
  return LIVELIEST_FIRST.indexOf(a.connection.phase) - LIVELIEST_FIRST.indexOf(b.connection.phase);
}

function byLife(a: HeldDevice, b: HeldDevice): number {
  return byPhase(a, b) || lastEventAtMs(b.history) - lastEventAtMs(a.history) || (a.deviceId < b.deviceId ? -1 : 1);
}

function endEvicted({ connection, history }: HeldDevice, nowMs: number): EndedConnection {
  switch (connection.phase) {
    case 'open': {
      const end = { endedAtMs: lastEventAtMs(history), endedReceivedAtMs: nowMs };
      return { phase: 'ended', cause: 'expired', ...startOf(connection), ...end };
    }
    case 'lost':
      return ended(connection);
    case 'ended':
      return connection;
  }
}
