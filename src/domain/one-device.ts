// One device at a time: where the provider, or the application, lets a participant have only one, the connect of a newer
// device ends the older ones, whose own end may be lost. Otherwise each lost end would keep its participant present for hours
// after the device was replaced. Only a connect event supersedes other devices; each further connect of a device does
// so again.
import {
  type Connection,
  type EndedConnection,
  type EndStep,
  ended,
  expired,
  graceEndMs,
  isOverAge,
  type LostConnection,
  type Step,
  startOf,
} from './connection.js';
import { type DeviceHistory, lastSignOfLife } from './device-history.js';
import { type DeviceEvent, orderedAtMs } from './lifecycle-event.js';
import type { PresencePolicy } from './policy.js';

/**
 * The connect that superseded this device: of all connects of other devices after this device's last sign of life, the one that
 * was received first.
 */
export interface Supersession {
  readonly atMs: number;
  readonly receivedAtMs: number;
}

interface LossStep extends Step {
  readonly connection: LostConnection;
}

interface Folded {
  readonly history: DeviceHistory;
  /** As the events alone give it. The end of grace and the expiry are applied later. */
  readonly connection: Connection;
}

/**
 * Returns the devices of one participant, after ending those that another one has superseded. `evictedUpToMs`: the time of the
 * newest event of any evicted device. Connects of evicted devices, up to that time, are missing from `devices`. `observe`: called for
 * each connection that changes.
 */
export function supersede<T extends Folded>(
  devices: readonly T[],
  evictedUpToMs: number | undefined,
  policy: PresencePolicy,
  observe?: (device: T, step: Step, by: Supersession) => void,
): readonly T[] {
  if (policy.devicesAtOnce === 'many') return devices;
  return devices.map((device) => {
    const others = devices.filter((other) => other !== device).map(({ history }) => history);
    const by = supersessionOf(device.history, others, evictedUpToMs ?? Number.NEGATIVE_INFINITY);
    if (!by) return device;
    const history = { ...device.history, supersededBy: by };
    const step = superseded(device.connection, by, policy);
    if (!step) return { ...device, history };
    const last = lostWhileAsking(device.connection, step, devices, policy) ?? step;
    observe?.(device, last, by);
    return { ...device, history, connection: last.connection };
  });
}

/**
 * If the provider can be asked and the participant's newest device has ended, a superseded one may still be connected. It is
 * then lost instead of ended, and so `reconnecting` for the grace period, in which the provider is asked.
 */
function lostWhileAsking(
  current: Connection,
  { rule, connection: { endedAtMs: lostAtMs } }: EndStep,
  devices: readonly Folded[],
  { listLagMs }: PresencePolicy,
): LossStep | undefined {
  if (listLagMs === undefined || rule !== 'superseded') return undefined;
  const newest = devices.reduce((a, b) => (lastConnectMs(b.history) > lastConnectMs(a.history) ? b : a)).connection;
  if (newest.phase !== 'ended') return undefined;
  const loss = { lostAtMs, lostReceivedAtMs: newest.endedReceivedAtMs };
  return { rule: 'superseded-in-doubt', connection: { phase: 'lost', ...startOf(current), ...loss } };
}

function lastConnectMs({ events }: DeviceHistory): number {
  const connect = events.findLast(({ kind }) => kind === 'connected');
  return connect ? orderedAtMs(connect) : Number.NEGATIVE_INFINITY;
}

/** A supersession found earlier is kept if the connect that caused it has since been folded into a base or evicted. */
function supersessionOf(
  history: DeviceHistory,
  others: readonly DeviceHistory[],
  evictedUpToMs: number,
): Supersession | undefined {
  const life = lastSignOfLife(history);
  const found = others
    .flatMap(({ events }) => events.filter((event) => isNewerConnect(event, life)))
    .map((event) => ({ atMs: orderedAtMs(event), receivedAtMs: event.receivedAtMs }));
  const { supersededBy: known } = history;
  const foldedUpToMs = others.map(({ base }) => (base ? orderedAtMs(base.upTo) : evictedUpToMs));
  if (known && known.atMs > life.atMs && known.atMs <= Math.max(evictedUpToMs, ...foldedUpToMs)) found.push(known);
  // The one received first counts, so that a connect received later cannot make the device present again.
  return found.sort((a, b) => a.receivedAtMs - b.receivedAtMs || a.atMs - b.atMs)[0];
}

/** A connect received before this device's last sign of life is not that of a newer device, even if it has a later time. */
function isNewerConnect(event: DeviceEvent, life: { atMs: number; receivedAtMs: number }): boolean {
  return event.kind === 'connected' && orderedAtMs(event) > life.atMs && event.receivedAtMs >= life.receivedAtMs;
}

/** undefined: the connection was already over when the other device's connect was received, so its end stays as it is. */
function superseded(current: Connection, by: Supersession, policy: PresencePolicy): EndStep | undefined {
  switch (current.phase) {
    case 'open':
      return isOverAge(current, by.receivedAtMs, policy)
        ? { rule: 'already-expired', connection: expired(current, policy) }
        : { rule: 'superseded', connection: supersededAt(current, by) };
    case 'lost':
      return by.receivedAtMs < graceEndMs(current, policy)
        ? { rule: 'superseded-while-lost', connection: ended(current) }
        : undefined;
    case 'ended':
      return undefined;
  }
}

function supersededAt(current: Connection, by: Supersession): EndedConnection {
  const end = { endedAtMs: by.atMs, endedReceivedAtMs: by.receivedAtMs };
  return { phase: 'ended', cause: 'superseded', ...startOf(current), ...end };
}
