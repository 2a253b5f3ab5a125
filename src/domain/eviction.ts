// What keeps a record small: devices beyond a fixed number are evicted, and so are those that ended long ago.
// Devices that were never seen to connect are limited on their own. Anybody's stray end makes one, so it must not
// evict a device that is there, nor decide which events of other devices are too old.
import { type EndedConnection, ended } from './connection.js';
import { isForgettable } from './deadline.js';
import { type DeviceHistory, lastEventAtMs } from './device-history.js';
import type { DeviceId } from './lifecycle-event.js';
import type { PresencePolicy } from './policy.js';
import type { PresenceState, SettledDevice } from './presence-view.js';

/** Every page reload is a new device. Of a participant that goes through more of them the least alive are evicted. */
export const MAX_DEVICES = 32;
/** Devices of which only ends were received: each one waits for a connect that is late, or was lost. */
export const MAX_DEVICES_WITHOUT_CONNECT = 8;

export interface HeldDevice extends SettledDevice {
  readonly history: DeviceHistory;
  /** Connections that were over before the present one began. */
  readonly earlier: readonly EndedConnection[];
}

/**
 * Splits devices into those to hold and those too many. The latter are given as ended: no event will end them.
 * `wasHeld`: whether a device was held before. One that is reconnecting is not evicted by ends of others.
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
  return connection.connectedAtMs !== null;
}

/**
 * Whether a device is past retention. One of a participant that is gone stays until all of them are, so that what
 * its presence ended with stands until it is forgotten whole.
 */
export function isOutdated(
  device: HeldDevice,
  devices: readonly HeldDevice[],
  state: PresenceState,
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
      const { connectedAtMs, interruptions } = connection;
      const end = { endedAtMs: lastEventAtMs(history), endedReceivedAtMs: nowMs };
      return { phase: 'ended', cause: 'expired', ...end, connectedAtMs, interruptions };
    }
    case 'lost':
      return ended(connection, 'lost');
    case 'ended':
      return connection;
  }
}
