import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AvailabilityFact } from '../../src/domain/availability.js';
import { labelsOf } from '../../src/domain/labels.js';
import { isOperators, type RecordedEvent } from '../../src/domain/lifecycle-event.js';
import { hasAllOf, mergeRecords } from '../../src/domain/merge.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import { lengthOf } from '../length.js';
import { connected, policy as defaults, disconnected, eventOf, fact, left } from './builders.js';
import {
  availabilityFacts,
  histories,
  MAX_EARLY_MS,
  operatorLabels,
  participantEnds,
  policies,
  START_MS,
  withLabels,
} from './histories.js';

const MANY = { numRuns: lengthOf(150, 3_000) };
const LATER_MS = START_MS + 500_000;

/** One event at a time, or all at once. */
function received(
  events: readonly RecordedEvent[],
  policy: typeof defaults,
  { atOnce = false, nowMs = LATER_MS, before = undefined as ParticipantRecord | undefined } = {},
): ParticipantRecord {
  let record = before;
  for (const batch of atOnce ? [events] : events.map((event) => [event])) {
    record = advance(record, batch, nowMs, policy).record;
  }
  return record as ParticipantRecord;
}

/** All that is known, without the version, which is that of one store, and what follows from the events of other devices. */
function knowledge(record: ParticipantRecord | undefined) {
  if (!record) return undefined;
  const { version: _own, settledAtMs: _when, devices, tag, participantRef, labels, ...rest } = record;
  const histories = [...devices.keys()].sort().map((id) => [id, devices.get(id)?.base, devices.get(id)?.events]);
  return { ...rest, devices: histories, said: [tag?.value, participantRef?.value, labelsOf(labels)] };
}

const RECEIVERS = ['known', 'other', 'both'] as const;

/** Events of all kinds, and which store has received each: at least one has each, and both have at least one. */
const splits = fc
  .tuple(histories({ devices: 3, perDevice: 12 }), participantEnds(6), availabilityFacts(8), operatorLabels)
  .chain(([devices, ends, facts, labels]) => withLabels([...devices, ...ends, ...facts, ...labels]))
  .chain((events) => {
    const receivers = fc.array(fc.constantFrom(...RECEIVERS), { minLength: events.length, maxLength: events.length });
    return fc.tuple(fc.shuffledSubarray(events, { minLength: events.length }), receivers);
  })
  .map(([events, receivers]) => {
    const of = (store: 'known' | 'other') =>
      events.filter((_, n) => n === 0 || receivers[n] === 'both' || receivers[n] === store);
    return { events, known: of('known'), other: of('other') };
  });

/** With a clock that is ahead by more than is allowed, the time of an event depends on which receipt of it was the first. */
const lenient = policies.map((policy) => ({ ...policy, clockSkewMs: Math.max(policy.clockSkewMs, MAX_EARLY_MS) }));

describe('merging two records of one participant', () => {
  it('gives the record that has received the events of both, in either direction', () => {
    fc.assert(
      fc.property(splits, lenient, ({ events, known, other }, policy) => {
        const [a, b] = [received(known, policy), received(other, policy)];
        const all = received(events, policy, { atOnce: true });
        expect(knowledge(mergeRecords(a, b, LATER_MS, policy).record)).toEqual(knowledge(all));
        expect(knowledge(mergeRecords(b, a, LATER_MS, policy).record)).toEqual(knowledge(all));
      }),
      MANY,
    );
  });

  it('changes nothing the second time, nor with a record that has nothing new', () => {
    fc.assert(
      fc.property(splits, lenient, ({ known, other }, policy) => {
        const [a, b] = [received(known, policy), received(other, policy)];
        const merged = mergeRecords(a, b, LATER_MS, policy).record as ParticipantRecord;
        for (const one of [a, b, merged]) {
          expect(hasAllOf(merged, one, policy)).toBe(true);
          expect(mergeRecords(merged, one, LATER_MS + 1, policy)).toEqual({
            record: merged,
            changes: [],
            verdicts: [],
          });
        }
      }),
      MANY,
    );
  });

  it('announces what differs from what was announced, with a version that both stores have not reached', () => {
    fc.assert(
      fc.property(splits, lenient, ({ known, other }, policy) => {
        const [a, b] = [received(known, policy), received(other, policy)];
        const { record, changes } = mergeRecords(a, { ...b, version: a.version + 7 }, LATER_MS, policy);
        const own = changes.find(({ deviceId }) => deviceId === undefined);
        if (record?.announced.state !== a.announced.state)
          expect([own?.previousState, own?.state]).toEqual([a.announced.state, record?.announced.state]);
        if (changes.length > 0)
          expect([record?.version, own?.version ?? record?.version]).toEqual([a.version + 8, a.version + 8]);
        else if (record !== a) expect(record?.version).toBe(a.version + 7);
      }),
      MANY,
    );
  });

  it('is the same function after older events were folded into a base', () => {
    const shape = histories({ devices: 2, perDevice: 40 });
    const later = histories({ devices: 2, perDevice: 6 }).map((events) =>
      events.map((event) => ({
        ...event,
        occurredAtMs: event.occurredAtMs + 100_000,
        receivedAtMs: event.receivedAtMs + 600_000,
      })),
    );
    const nowMs = LATER_MS + 1_000_000;
    fc.assert(
      fc.property(shape, later, fc.array(fc.constantFrom(...RECEIVERS)), lenient, (before, rest, receivers, policy) => {
        const common = received(before, policy);
        const of = (store: string) => rest.filter((_, n) => [undefined, 'both', store].includes(receivers[n]));
        const [a, b] = ['known', 'other'].map((store) => received(of(store), policy, { nowMs, before: common }));
        const all = received(rest, policy, { nowMs, before: common, atOnce: true });
        const merged = mergeRecords(a as ParticipantRecord, b as ParticipantRecord, nowMs, policy).record;
        expect(merged?.announced).toEqual(advance(all, [], nowMs, policy).record?.announced);
      }),
      MANY,
    );
  });
});

describe('merging', () => {
  it('takes the newer base of a device, and the events after it', () => {
    const many = Array.from({ length: 40 }, (_, n) => eventOf(n % 2 ? 'left' : 'connected', { at: n * 1_000 }));
    const known = received([connected({ at: 500_000 })], defaults, { nowMs: 500_000 });
    const other = received(many, defaults, { nowMs: 500_000 });
    for (const [a, b] of [
      [known, other],
      [other, known],
    ] as const) {
      const { record } = mergeRecords(a, b, 500_000, defaults);
      expect(record?.announced).toMatchObject({ state: 'connected', sinceMs: 500_000 });
      expect(record?.devices.get(connected().deviceId)?.base?.upTo.occurredAtMs).toBeGreaterThanOrEqual(23_000);
    }
  });

  it('does not bring back a device that was evicted', () => {
    const devices = Array.from({ length: 34 }, (_, n) => [
      connected({ device: `d${n}`, at: n * 1_000 }),
      left({ device: `d${n}`, at: n * 1_000 + 500 }),
    ]).flat();
    const known = received(devices, defaults, { nowMs: 40_000 });
    const other = received(devices.slice(0, 2), defaults, { nowMs: 40_000 });
    expect(mergeRecords(known, other, 40_000, defaults).record).toBe(known);
  });

  it('keeps the earlier start of a run of equal facts', () => {
    const runs = Array.from({ length: 20 }, (_, n) => fact('busy', { at: 1_000 + n * 1_000 }));
    const other = received([connected(), ...runs], defaults, { nowMs: 30_000 });
    const known = received([connected(), ...runs.slice(-3)], defaults, { nowMs: 30_000 });
    const { record, changes } = mergeRecords(known, other, 30_000, defaults);
    expect(record?.announced.availability).toEqual({ value: 'busy', sinceMs: 1_000 });
    expect(changes.map(({ type }) => type)).toEqual(['participant.updated']);
    const first = record?.availabilityFacts[0] as AvailabilityFact;
    expect([first.fromMs, isOperators(first)]).toEqual([1_000, false]);
  });

  it('counts grace from the earlier receipt of a loss', () => {
    const start = connected({ at: 0 });
    const early = received([start, disconnected({ at: 10_000, receivedAt: 10_100 })], defaults, { nowMs: 11_000 });
    const late = received([start, disconnected({ at: 10_000, receivedAt: 12_000 })], defaults, { nowMs: 12_000 });
    expect(mergeRecords(late, early, 12_000, defaults).record?.announced.untilMs).toBe(early.announced.untilMs);
    expect(mergeRecords(early, late, 12_000, defaults).record).toBe(early);
  });
});
