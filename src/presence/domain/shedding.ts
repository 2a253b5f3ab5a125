// What a record lets go of so that it stays small: devices beyond a fixed number, and those that ended long ago.
import type { EndedConnection } from './connection.js';
import { isForgettable } from './deadline.js';
import { type DeviceHistory, lastEventAtMs } from './device-history.js';
import type { PresencePolicy } from './policy.js';
import type { PresenceState, SettledDevice } from './presence-view.js';

/** Every page reload is a new device; of a participant that goes through more of them the least alive are shed. */
export const MAX_DEVICES = 32;

export interface HeldDevice extends SettledDevice {
  readonly history: DeviceHistory;
  /** Connections that were over before the present one began. */
  readonly earlier: readonly EndedConnection[];
}

/** Devices split into those to hold and those too many. The latter are given as ended: nothing will tell of their end. */
export function limitDevices(
  devices: readonly HeldDevice[],
  nowMs: number,
): { held: readonly HeldDevice[]; excess: HeldDevice[] } {
  if (devices.length <= MAX_DEVICES) return { held: devices, excess: [] };
  const byLife = [...devices].sort(
    (a, b) => Number(isEnded(a)) - Number(isEnded(b)) || lastEventAtMs(b.history) - lastEventAtMs(a.history),
  );
  const excess = byLife.slice(MAX_DEVICES).map((device) => (isEnded(device) ? device : endUnheard(device, nowMs)));
  return { held: byLife.slice(0, MAX_DEVICES), excess };
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

function isEnded(device: HeldDevice): boolean {
  return device.connection.phase === 'ended';
}

function endUnheard(device: HeldDevice, nowMs: number): HeldDevice {
  const { connectedAtMs, interruptions } = device.connection;
  const endedAtMs = lastEventAtMs(device.history);
  const ended = { phase: 'ended', cause: 'expired', endedAtMs, endedHeardAtMs: nowMs } as const;
  return { ...device, connection: { ...ended, connectedAtMs, interruptions } };
}
