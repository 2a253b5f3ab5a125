// Answers of the provider's own API about who is present, as events: `seen` and `unseen`, dated `listLagMs` before the question. Only
// news becomes an event, so that asking about participants who are as expected writes nothing.
import { fold, lastEventAtMs } from './device-history.js';
import type { DeviceId, LifecycleEvent } from './lifecycle-event.js';
import type { ParticipantRecord } from './participant.js';
import type { PresencePolicy } from './policy.js';
import { deviceQuestions } from './questions.js';
import type { Subject } from './subject.js';

/** A device that the provider lists as connected. */
export interface ObservedDevice {
  readonly deviceId: DeviceId;
  /** By the provider's clock, if it says so. */
  readonly connectedAtMs?: number | undefined;
}

/** What the provider says of one participant. */
export interface Observation {
  readonly subject: Subject;
  /** All that are connected; empty: the participant is absent. */
  readonly devices: readonly ObservedDevice[];
  readonly tag?: string | undefined;
  /** When the provider was asked, and when it answered, by our clock. */
  readonly askedAtMs: number;
  readonly receivedAtMs: number;
}

/**
 * The events of an answer that contradicts what is known, settles a doubt, or shows that a connection is still open when half of
 * `maxConnectionMs` has passed. None if an event of the participant was received after the question: it is newer than the answer.
 * `record`: loaded after the answer was received.
 */
export function observationsOf(
  observation: Observation,
  record: ParticipantRecord | undefined,
  policy: PresencePolicy,
): LifecycleEvent[] {
  const { subject, askedAtMs, receivedAtMs, devices } = observation;
  if (policy.listLagMs === undefined || (record && lastReceivedAtMs(record) >= askedAtMs)) return [];
  const tag = record?.tag === undefined ? observation.tag : undefined;
  const times = { receivedAtMs, precisionMs: 1 as const, ...(tag !== undefined && { tag }) };
  const asOf = { ...times, occurredAtMs: askedAtMs - policy.listLagMs, askedAtMs };
  const present = devices.flatMap(({ deviceId, connectedAtMs }): LifecycleEvent[] => {
    if (record?.devices.has(deviceId)) {
      return isNewsIfSeen(record, deviceId, askedAtMs, policy) ? [{ ...asOf, subject, deviceId, kind: 'seen' }] : [];
    }
    const seen = { ...asOf, subject, deviceId, kind: 'seen' as const };
    const isStartKnown = connectedAtMs !== undefined && connectedAtMs <= receivedAtMs + policy.clockSkewMs;
    if (!isStartKnown) return [seen];
    const connected = { ...times, subject, deviceId, kind: 'connected' as const, occurredAtMs: connectedAtMs };
    // Dated before its start, a sighting would give the device another start.
    return connectedAtMs > asOf.occurredAtMs ? [connected] : [connected, seen];
  });
  const listed = new Set(devices.map(({ deviceId }) => deviceId));
  const absent = [...(record?.devices.keys() ?? [])].filter((deviceId) => !listed.has(deviceId));
  const unseen = absent
    .filter((deviceId) => record && isNewsIfUnseen(record, deviceId, askedAtMs, policy))
    .map((deviceId) => ({ ...asOf, subject, deviceId, kind: 'unseen' as const }));
  return [...present, ...unseen];
}

/**
 * Whether a list without devices, on which the participant is, leaves something to ask: nobody is known to be connected, or it is
 * time for a sign of life.
 */
export function isNewsIfListed(
  record: ParticipantRecord | undefined,
  askedAtMs: number,
  policy: PresencePolicy,
): boolean {
  if (!record) return true;
  if (isNewer(record, askedAtMs, policy)) return false;
  const { announced, devices } = record;
  if (announced.state !== 'connected') return true;
  return [...devices.keys()].some(
    (deviceId) => stateOf(record, deviceId) === 'connected' && isNewsIfSeen(record, deviceId, askedAtMs, policy),
  );
}

/** Whether a list on which the participant is not contradicts what is known. */
export function isNewsIfUnlisted(record: ParticipantRecord, askedAtMs: number, policy: PresencePolicy): boolean {
  return record.announced.state === 'connected' && !isNewer(record, askedAtMs, policy);
}

function isNewer(record: ParticipantRecord, askedAtMs: number, { listLagMs = 0 }: PresencePolicy): boolean {
  return record.lastEventAtMs > askedAtMs - listLagMs || lastReceivedAtMs(record) >= askedAtMs;
}

function isNewsIfSeen(
  record: ParticipantRecord,
  deviceId: DeviceId,
  askedAtMs: number,
  policy: PresencePolicy,
): boolean {
  if (isAsked(record, deviceId, askedAtMs, policy)) return true;
  if (isOutdated(record, deviceId, askedAtMs, policy)) return false;
  const device = record.announced.devices.find((one) => one.deviceId === deviceId);
  return device?.state !== 'connected' || device.isDoubtful || isOldSign(record, deviceId, askedAtMs, policy);
}

function isNewsIfUnseen(
  record: ParticipantRecord,
  deviceId: DeviceId,
  askedAtMs: number,
  policy: PresencePolicy,
): boolean {
  if (isAsked(record, deviceId, askedAtMs, policy)) return true;
  return stateOf(record, deviceId) === 'connected' && !isOutdated(record, deviceId, askedAtMs, policy);
}

function stateOf({ announced }: ParticipantRecord, deviceId: DeviceId) {
  return announced.devices.find((device) => device.deviceId === deviceId)?.state;
}

/** Whether an event of the device is later than the time of which the answer is, so that the answer would change nothing. */
function isOutdated(
  { devices }: ParticipantRecord,
  deviceId: DeviceId,
  askedAtMs: number,
  { listLagMs = 0 }: PresencePolicy,
): boolean {
  const history = devices.get(deviceId);
  return history !== undefined && lastEventAtMs(history) > askedAtMs - listLagMs;
}

/** Whether more than half of the longest connection has passed since the newest sign of life. */
function isOldSign(record: ParticipantRecord, deviceId: DeviceId, askedAtMs: number, policy: PresencePolicy): boolean {
  const history = record.devices.get(deviceId);
  const connection = history && fold(history, record.ends, policy).connection;
  return connection?.phase === 'open' && askedAtMs - connection.newestReceivedAtMs > policy.maxConnectionMs / 2;
}

/** Whether the answer is one that the device was waiting for. */
function isAsked(record: ParticipantRecord, deviceId: DeviceId, askedAtMs: number, policy: PresencePolicy): boolean {
  const atMs = deviceQuestions(record, policy).get(deviceId);
  return atMs !== undefined && atMs <= askedAtMs;
}

/** When the newest event of the provider was received, not counting its answers. */
function lastReceivedAtMs({ devices, ends }: ParticipantRecord): number {
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const { receivedAtMs } of ends) lastMs = Math.max(lastMs, receivedAtMs);
  for (const { base, events } of devices.values()) {
    for (const { kind, receivedAtMs } of base ? [base.upTo, ...events] : events) {
      if (kind !== 'seen' && kind !== 'unseen') lastMs = Math.max(lastMs, receivedAtMs);
    }
  }
  return lastMs;
}
