// Random histories of one participant, small enough that ties, late events and repeats are common.
import { expect } from '@jest/globals';
import fc from 'fast-check';
import { MAX_KEPT_FACTS } from '../../src/domain/availability.js';
import type { LifecycleEvent, RecordedEvent } from '../../src/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import { MAX_KEPT_ENDS } from '../../src/domain/participant-ends.js';
import type { PresencePolicy } from '../../src/domain/policy.js';
import { decodeChanges, encodeChanges } from '../../src/storage/encoding/change-codec.js';
import { decodeRecord, encodeRecord } from '../../src/storage/encoding/record-codec.js';
import { keyOf } from '../../src/storage/encoding/subject-key.js';
import { type Presence, presenceOf } from '../model/presence-model.js';
import { eventOf, fact, labelled, modelEventOf, observed, participantEnd } from './builders.js';

export const START_MS = 1_790_000_000_000;
const SPAN_MS = 60_000;
/** How much earlier than it occurred an event may be received: the provider's clock is ahead. */
export const MAX_EARLY_MS = 200;

export const policies: fc.Arbitrary<PresencePolicy> = fc.record({
  graceMs: fc.constantFrom(0, 1_000, 15_000),
  leaveGraceMs: fc.constantFrom(0, 0, 5_000, 60_000),
  overlapMs: fc.constantFrom(0, 4_000, 60_000),
  maxConnectionMs: fc.constantFrom(20_000, 9 * 3_600_000),
  devicesAtOnce: fc.constantFrom('many', 'one'),
  socketsPerDevice: fc.constantFrom('many', 'one'),
  clockSkewMs: fc.constantFrom(0, 1_000, 5_000),
  retentionMs: fc.constant(7 * 24 * 3_600_000),
});

interface Shape {
  devices: number;
  perDevice: number;
  /** How far the provider's clock may be ahead. */
  aheadMs?: number;
  /** Whether there are answers of the provider's API among the events. */
  isObserved?: boolean;
}

/** Events of the participant `p1`, in no order. Some share device, kind and time, and so are the same event received twice. */
export function histories({
  devices,
  perDevice,
  aheadMs = 0,
  isObserved = false,
}: Shape): fc.Arbitrary<LifecycleEvent[]> {
  const device = fc.integer({ min: 1, max: devices }).map((n) => `d${n}`);
  const event = fc
    .record({
      kind: fc.constantFrom(
        'connected',
        'connected',
        'connected',
        'disconnected',
        'disconnected',
        'left',
        'left',
        'ended',
        ...(isObserved ? ['seen', 'unseen'] : []),
      ),
      device,
      at: fc.nat(SPAN_MS / 500).map((n) => START_MS + n * 500),
      delayMs: fc.constantFrom(0, 0, 20, 3_000, 40_000, -MAX_EARLY_MS, 400_000),
      ahead: fc.constantFrom(0, 0, 0, 0, aheadMs),
      tag: fc.constantFrom(undefined, undefined, 'red', 'blue'),
      ref: fc.constantFrom(undefined, undefined, undefined, 'u-1', 'u-2'),
    })
    .map(({ kind, device, at, delayMs, ahead, tag, ref }) =>
      kind === 'seen' || kind === 'unseen'
        ? observed(kind, { device, askedAt: at })
        : eventOf(kind as LifecycleEvent['kind'], {
            device,
            at: at + ahead,
            receivedAt: at + delayMs,
            ...(tag && { tag }),
            ...(ref && { participantRef: ref }),
          }),
    );
  return fc.array(event, { minLength: 1, maxLength: devices * perDevice, size: 'max' }).map((events) => {
    const counts = new Map<string, number>();
    return events.filter(({ deviceId }) => {
      const count = (counts.get(deviceId) ?? 0) + 1;
      counts.set(deviceId, count);
      return count <= perDevice;
    });
  });
}

/** Ends of all devices of the participant `p1`, no more than are kept one by one. */
export function participantEnds(maxLength = MAX_KEPT_ENDS): fc.Arbitrary<RecordedEvent[]> {
  const end = fc
    .record({
      kind: fc.constantFrom('participant-disconnected' as const, 'participant-left' as const),
      at: fc.nat(SPAN_MS / 500).map((n) => START_MS + n * 500),
      delayMs: fc.constantFrom(0, 0, 20, 3_000, 40_000, -MAX_EARLY_MS, 400_000),
      tag: fc.constantFrom(undefined, 'red'),
    })
    .map(({ kind, at, delayMs, tag }) => participantEnd(kind, { at, receivedAt: at + delayMs, ...(tag && { tag }) }));
  return fc.array(end, { maxLength });
}

/** What is said of the availability of the participant `p1`, no more than is kept one by one. */
export function availabilityFacts(maxLength = MAX_KEPT_FACTS): fc.Arbitrary<RecordedEvent[]> {
  const one = fc
    .record({
      kind: fc.constantFrom(
        ...(['available', 'available', 'busy', 'set-available', 'set-busy', 'set-unknown'] as const),
      ),
      at: fc.nat(SPAN_MS / 500).map((n) => START_MS + n * 500),
      delayMs: fc.constantFrom(0, 0, 20, 3_000, 40_000, -MAX_EARLY_MS),
      lastsMs: fc.constantFrom(undefined, undefined, 0, 4_000, 30_000),
      tag: fc.constantFrom(undefined, 'red'),
    })
    .map(({ kind, at, delayMs, lastsMs, tag }) => {
      const until = lastsMs === undefined ? undefined : at + lastsMs;
      return fact(kind, { at, receivedAt: at + delayMs, ...(tag && { tag }), until });
    });
  // All deliveries of one fact have the same end.
  return fc.array(one, { maxLength }).map((facts) => {
    const untilOf = (event: (typeof facts)[number]) =>
      facts.find(({ kind, occurredAtMs }) => kind === event.kind && occurredAtMs === event.occurredAtMs)?.untilMs;
    return facts.map(({ untilMs: _any, ...event }) => {
      const untilMs = untilOf(event);
      return untilMs === undefined ? event : { ...event, untilMs };
    });
  });
}

const labelSets = fc.dictionary(fc.constantFrom('call', 'user', 'constructor'), fc.constantFrom('1', '2'), {
  maxKeys: 3,
});

/** The events, some of which have labels of the provider or of a minted URL. */
export function withLabels(events: readonly RecordedEvent[]): fc.Arbitrary<RecordedEvent[]> {
  const given = fc.constantFrom(undefined, undefined, 'labels' as const, 'mintedLabels' as const);
  const additions = fc.array(fc.tuple(given, labelSets), { minLength: events.length, maxLength: events.length });
  return additions.map((added) =>
    events.map((event, n) => {
      const [name, labels = {}] = added[n] ?? [];
      if (event.kind === 'set-labels') return event;
      return name === undefined || Object.keys(labels).length === 0 ? event : { ...event, [name]: labels };
    }),
  );
}

/** What an operator says of the labels of the participant `p1`, now and then at the same time. */
export const operatorLabels: fc.Arbitrary<RecordedEvent[]> = fc.array(
  fc
    .tuple(labelSets, fc.nat(SPAN_MS / 4_000), fc.nat(3))
    .map(([labels, n, before]) =>
      labelled(labels, { at: START_MS + n * 4_000, since: START_MS + (n - before) * 4_000 }),
    ),
  { maxLength: 4 },
);

export interface Delivery {
  events: RecordedEvent[];
  nowMs: number;
}

/** The events in any order, or in that of receipt, and in batches, some of them repeated, with time passing in between. */
export function deliveriesOf(
  events: readonly RecordedEvent[],
  { inOrderOfReceipt = false } = {},
): fc.Arbitrary<Delivery[]> {
  return fc.array(fc.nat(events.length - 1), { maxLength: 4 }).chain((repeats) => {
    const all = [...events, ...repeats.flatMap((index) => events[index] ?? [])];
    const order = fc.shuffledSubarray([...all.keys()], { minLength: all.length });
    const cuts = fc.array(fc.boolean(), { minLength: all.length, maxLength: all.length });
    const steps = fc.array(fc.constantFrom(0, 1, 900, 16_000), { minLength: all.length, maxLength: all.length });
    return fc.tuple(order, cuts, steps).map(([shuffled, cut, step]) => {
      const deliveries: Delivery[] = [{ events: [], nowMs: START_MS }];
      const receivedAtMs = (index: number) => all[index]?.receivedAtMs ?? 0;
      const indexes = inOrderOfReceipt ? shuffled.toSorted((a, b) => receivedAtMs(a) - receivedAtMs(b)) : shuffled;
      indexes.forEach((index, position) => {
        const last = deliveries.at(-1) as Delivery;
        const event = all[index] as RecordedEvent;
        if (cut[position]) deliveries.push({ events: [event], nowMs: last.nowMs + (step[position] ?? 0) });
        else last.events.push(event);
      });
      return deliveries;
    });
  });
}

/** The participant after all deliveries. Each record and its changes must be the same after they were encoded and decoded. */
export function recordAfter(deliveries: readonly Delivery[], policy: PresencePolicy): ParticipantRecord | undefined {
  let record: ParticipantRecord | undefined;
  for (const { events, nowMs } of deliveries) {
    const next = advance(record, events, nowMs, policy);
    record = next.record;
    if (record) expectEqual(decodeRecord(keyOf(record.subject), encodeRecord(record)), record);
    const text = encodeChanges(next.changes);
    expectEqual(text === null ? [] : decodeChanges(text), next.changes);
  }
  return record;
}

/** Jest compares only what differs: it would take longer than all the rules. */
function expectEqual(actual: unknown, expected: unknown): void {
  if (!areEqual(actual, expected)) expect(actual).toEqual(expected);
}

/** As with `toEqual`, a member may be undefined or missing. */
function areEqual(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (!isObject(one) || !isObject(other) || Array.isArray(one) !== Array.isArray(other)) return false;
  if (one instanceof Map) return other instanceof Map && areEqual([...one], [...other]);
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => areEqual(one[name], other[name]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Presence according to the reference model, which the rules in src/ must match. */
export function expectedView(events: readonly RecordedEvent[], policy: PresencePolicy, nowMs: number): Presence {
  return presenceOf(events.map(modelEventOf), policy, nowMs);
}
