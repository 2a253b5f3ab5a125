// Merges two records of one participant from different stores, each of which may have received events that the other has not.
// Events are idempotent and order themselves, so the result is the record that has received the events of both, as far as they are
// kept: of a device whose older events were folded into a base, the newer base counts.
import { type AvailabilityFact, insertFact } from './availability.js';
import { type DeviceHistory, insertEvent, lastEventAtMs } from './device-history.js';
import { type DeviceId, isAfter, isSameEvent, orderedAtMs } from './lifecycle-event.js';
import type { Supersession } from './one-device.js';
import { type Advance, advance, hasEvents, type ParticipantRecord } from './participant.js';
import { insertEnd } from './participant-ends.js';
import type { PresencePolicy } from './policy.js';
import { type Statements, withOperatorLabels, withStatements } from './statements.js';
import { MAX_PAST_STAYS, mergeStays, type Stay } from './stay.js';

/**
 * `known` with what only `other` has. The changes are those to what was announced of `known`. The record is `known` itself if there
 * is nothing new.
 */
export function mergeRecords(
  known: ParticipantRecord,
  other: ParticipantRecord,
  nowMs: number,
  policy: PresencePolicy,
): Advance {
  const merged = withEventsOf(other, known, policy);
  if (merged === known) return { record: known, changes: [], verdicts: [] };
  // Past its deadline, a record is evaluated although no event is new to it.
  return advance({ ...merged, deadlineMs: Number.NEGATIVE_INFINITY }, [], nowMs, policy);
}

/** Whether the record has everything that the other one has. */
export function hasAllOf(record: ParticipantRecord, other: ParticipantRecord, policy: PresencePolicy): boolean {
  return withEventsOf(other, record, policy) === record;
}

/** The same object if nothing is new. */
function withEventsOf(other: ParticipantRecord, known: ParticipantRecord, policy: PresencePolicy): ParticipantRecord {
  const devices = mergeDevices(known, other, policy);
  const ends = other.ends.reduce((all, end) => insertEnd(all, end).ends, known.ends);
  const availabilityFacts = other.availabilityFacts.reduce(withFact, known.availabilityFacts);
  const pastStays = withStays(known.pastStays, other.pastStays);
  const evictedUpToMs = latest(known.evictedUpToMs, other.evictedUpToMs);
  const statements = withStatementsOf(known, other);
  const isSame =
    devices === known.devices &&
    ends === known.ends &&
    availabilityFacts === known.availabilityFacts &&
    pastStays === known.pastStays &&
    evictedUpToMs === known.evictedUpToMs &&
    statements === known;
  if (isSame) return known;
  const { tag, participantRef, labels } = statements;
  const settledAtMs = latest(known.settledAtMs, other.settledAtMs);
  const version = Math.max(known.version, other.version);
  const history = { devices, ends, availabilityFacts, pastStays, evictedUpToMs };
  const times = [known, other].filter(hasEvents).map((record) => record.lastEventAtMs);
  const lastEventAtMs = times.length > 0 ? Math.max(...times) : known.lastEventAtMs;
  return { ...known, tag, participantRef, labels, ...history, lastEventAtMs, settledAtMs, version };
}

function mergeDevices(
  known: ParticipantRecord,
  other: ParticipantRecord,
  policy: PresencePolicy,
): ReadonlyMap<DeviceId, DeviceHistory> {
  const merged = new Map(known.devices);
  for (const [deviceId, history] of other.devices) {
    const own = known.devices.get(deviceId);
    // It may be a device that was evicted.
    if (!own && lastEventAtMs(history) <= (known.evictedUpToMs ?? Number.NEGATIVE_INFINITY)) continue;
    const next = own ? mergeHistories(own, history, policy) : history;
    merged.set(deviceId, next);
  }
  if ([...merged].every(([deviceId, history]) => history === known.devices.get(deviceId))) return known.devices;
  for (const [deviceId, history] of merged) {
    const [own, others] = [known, other].map(({ devices }) => devices.get(deviceId)?.supersededBy);
    merged.set(deviceId, withSupersession(history, own, others));
  }
  return merged;
}

/** `known` itself if nothing is new. Of two bases up to the same event, that of `known` stays. */
function mergeHistories(known: DeviceHistory, other: DeviceHistory, policy: PresencePolicy): DeviceHistory {
  const isOtherBaseNewer = other.base && (!known.base || isAfter(other.base.upTo, known.base.upTo));
  const [start, rest] = isOtherBaseNewer ? [other, known] : [known, other];
  return rest.events.reduce((history, event) => insertEvent(history, event, policy).history, start);
}

/** It counts only where the connect that caused it has been folded into a base, so it is nothing new by itself. */
function withSupersession(history: DeviceHistory, a: Supersession | undefined, b: Supersession | undefined) {
  const isFirstReceived = !b || (a && (a.receivedAtMs - b.receivedAtMs || a.atMs - b.atMs) <= 0);
  const supersededBy = isFirstReceived ? a : b;
  return supersededBy ? { ...history, supersededBy } : history;
}

/** The start of a run of equal facts is the earlier one: either record may have dropped facts that the other never received. */
function withFact(facts: readonly AvailabilityFact[], fact: AvailabilityFact): readonly AvailabilityFact[] {
  const { facts: all } = insertFact(facts, fact);
  const { fromMs } = fact;
  const kept = all.find((one) => isSameEvent(one, fact));
  if (fromMs === undefined || !kept || (kept.fromMs ?? orderedAtMs(kept)) <= fromMs) return all;
  return all.map((one) => (one === kept ? { ...kept, fromMs } : one));
}

function withStays(known: readonly Stay[], others: readonly Stay[]): readonly Stay[] {
  const merged = mergeStays([...known, ...others]).slice(-MAX_PAST_STAYS);
  const isSame =
    merged.length === known.length &&
    merged.every(({ startMs, reachMs }, n) => startMs === known[n]?.startMs && reachMs === known[n]?.reachMs);
  return isSame ? known : merged;
}

function withStatementsOf(known: Statements, { tag, participantRef, labels }: Statements): Statements {
  let statements = known;
  const add = (stated: Parameters<typeof withStatements>[1], atMs: number) => {
    statements = withStatements(statements, stated, atMs);
  };
  if (tag) add({ tag: tag.value }, tag.occurredAtMs);
  if (participantRef) add({ participantRef: participantRef.value }, participantRef.occurredAtMs);
  if (labels?.source) add({ labels: labels.source.labels }, labels.source.occurredAtMs);
  if (labels?.minted) add({ mintedLabels: labels.minted.labels }, labels.minted.occurredAtMs);
  return labels?.operator ? withOperatorLabels(statements, labels.operator) : statements;
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}
