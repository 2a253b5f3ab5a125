import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Change } from '../../src/domain/change.js';
import { MAX_KEPT_EVENTS } from '../../src/domain/device-history.js';
import { MAX_DEVICES, MAX_DEVICES_WITHOUT_CONNECT } from '../../src/domain/eviction.js';
import { type EventKind, orderedAtMs, type RecordedEvent } from '../../src/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import type { PresencePolicy } from '../../src/domain/policy.js';
import { MAX_PAST_STAYS } from '../../src/domain/stay.js';
import { lengthOf } from '../length.js';
import { eventOf, left } from './builders.js';
import { type Delivery, deliveriesOf, expectedView, histories, MAX_EARLY_MS, policies, START_MS } from './histories.js';

const LATER_MS = START_MS + 3_600_000;
const MANY = { numRuns: lengthOf(75, 2_000) };

function deliver(deliveries: readonly Delivery[], policy: PresencePolicy, before?: ParticipantRecord) {
  let record = before;
  const accepted: RecordedEvent[] = [];
  const commits: { record: ParticipantRecord | undefined; changes: readonly Change[]; nowMs: number }[] = [];
  for (const { events, nowMs } of deliveries) {
    const next = advance(record, events, nowMs, policy);
    accepted.push(...events.filter((_, index) => next.verdicts[index] !== 'stale'));
    record = next.record;
    commits.push({ record, changes: next.changes, nowMs });
  }
  return { record, commits, accepted, changes: commits.flatMap(({ changes }) => changes) };
}

const delivered = (shape: Parameters<typeof histories>[0]) =>
  histories(shape).chain((events) => fc.tuple(fc.constant(events), deliveriesOf(events), policies));

const endOf = (deliveries: readonly Delivery[], extraMs = 0) => ({
  events: [],
  nowMs: (deliveries.at(-1)?.nowMs ?? 0) + extraMs,
});

describe('presence', () => {
  // An event from a provider's clock far ahead gets the time of its first receipt, which a repeat may still move. So the tag
  // and the time of the last event, which no rule uses, are compared only without such events.
  it.each([0, 600_000])(
    'is a function of the set of events, the clock and the policy, with provider clocks %d ms ahead',
    (aheadMs) => {
      const shape = { devices: 3, perDevice: MAX_KEPT_EVENTS, aheadMs };
      fc.assert(
        fc.property(
          delivered(shape),
          fc.constantFrom(0, 500, 30_000, 600_000),
          ([events, deliveries, policy], extraMs) => {
            const end = endOf(deliveries, extraMs);
            const { record } = deliver([...deliveries, end], policy);
            const { record: atOnce } = deliver([{ events, nowMs: end.nowMs }], policy);
            expect(record?.announced).toEqual(expectedView(events, policy, end.nowMs));
            expect(record?.deadlineMs).toBe(atOnce?.deadlineMs);
            if (aheadMs !== 0 || policy.clockSkewMs < MAX_EARLY_MS) return;
            expect(record?.lastEventAtMs).toBe(atOnce?.lastEventAtMs);
            expect(record?.tag).toEqual(atOnce?.tag);
            expect(record?.participantRef).toEqual(atOnce?.participantRef);
          },
        ),
        MANY,
      );
    },
  );

  // With skewed clocks, a connect may be ordered after the end that belongs to it. If it is delivered only after that end has
  // been folded into the base, the two can no longer be paired: 16 events later, and so never in order of receipt. The skew of
  // the other case is too small for any pair of its events.
  it.each([
    { inOrderOfReceipt: false, skewsMs: [MAX_EARLY_MS] },
    { inOrderOfReceipt: true, skewsMs: [0, 1_000, 5_000] },
  ])('is the same function when most of the events have been folded into the base: %j', ({ skewsMs, ...order }) => {
    const folded = histories({ devices: 2, perDevice: 40 }).chain((events) =>
      fc.tuple(deliveriesOf(events, order), policies, fc.constantFrom(...skewsMs)),
    );
    fc.assert(
      fc.property(folded, ([deliveries, anyPolicy, clockSkewMs]) => {
        const policy = { ...anyPolicy, clockSkewMs };
        const { record, accepted } = deliver([...deliveries, endOf(deliveries)], policy);
        expect(record?.announced).toEqual(expectedView(accepted, policy, endOf(deliveries).nowMs));
      }),
      MANY,
    );
  });

  it('does not change when the same events are received again', () => {
    fc.assert(
      fc.property(delivered({ devices: 3, perDevice: 10 }), ([events, deliveries, policy]) => {
        const { record } = deliver(deliveries, policy);
        const again = advance(record, events, endOf(deliveries).nowMs, policy);
        expect(again.verdicts).not.toContain('applied');
        expect(again.changes).toEqual([]);
        expect(again.record).toBe(record);
      }),
      MANY,
    );
  });
});

describe('the end of a device without a known connect', () => {
  // Few enough that none is evicted: otherwise a late connect would count as the first event of its device.
  const strays = fc.array(
    fc.record({
      kind: fc.constantFrom<EventKind[]>('disconnected', 'left'),
      device: fc.nat(MAX_DEVICES_WITHOUT_CONNECT / 2 - 1).map((n) => `stray${n}`),
      at: fc.integer({ min: -10_000, max: 400_000 }).map((ms) => START_MS + ms),
      position: fc.nat(120),
    }),
    { minLength: 1, maxLength: 30 },
  );
  const shape = { devices: MAX_DEVICES + MAX_DEVICES_WITHOUT_CONNECT / 2, perDevice: 3 };
  const manyDevices = histories(shape).chain((events) => fc.tuple(deliveriesOf(events), strays, policies));
  const othersIn = (record: ParticipantRecord | undefined) =>
    (record?.announced.devices ?? []).filter(({ deviceId }) => !deviceId.startsWith('stray'));

  it('never changes the presence of other devices, then or later', () => {
    fc.assert(
      fc.property(manyDevices, ([deliveries, ends, policy]) => {
        let [without, withStrays]: (ParticipantRecord | undefined)[] = [];
        const connectedOnce = new Set<string>();
        const singly = deliveries.flatMap(({ events, nowMs }) => events.map((event) => ({ event, nowMs })));
        for (const [index, { event, nowMs }] of singly.entries()) {
          for (const { position, kind, ...parts } of ends) {
            if (position % singly.length !== index) continue;
            withStrays = advance(withStrays, [eventOf(kind, { ...parts, receivedAt: nowMs })], nowMs, policy).record;
          }
          const { deviceId = '' } = event;
          if (event.kind === 'connected') connectedOnce.add(deviceId);
          if (!connectedOnce.has(deviceId)) continue;
          without = advance(without, [event], nowMs, policy).record;
          withStrays = advance(withStrays, [event], nowMs, policy).record;
          expect(othersIn(withStrays)).toEqual(othersIn(without));
        }
      }),
      { numRuns: lengthOf(25, 1_000) },
    );
  });
});

describe('`until`', () => {
  it('is exactly when the participant or device becomes gone if no event is received', () => {
    const shape = { devices: 3, perDevice: 6 };
    fc.assert(
      fc.property(histories(shape), policies, fc.nat(120_000), (events, policy, elapsedMs) => {
        const now = expectedView(events, policy, START_MS + elapsedMs);
        for (const { state, untilMs, deviceId } of [{ ...now, deviceId: undefined }, ...now.devices]) {
          expect(untilMs !== undefined).toBe(state === 'reconnecting');
          if (untilMs === undefined) continue;
          const stateAt = (timeMs: number) => {
            const view = expectedView(events, policy, timeMs);
            return (deviceId ? view.devices.find((device) => device.deviceId === deviceId) : view)?.state;
          };
          expect([stateAt(untilMs - 1), stateAt(untilMs)]).toEqual(['reconnecting', 'gone']);
        }
      }),
      MANY,
    );
  });
});

describe('changes', () => {
  it('add up to exactly the view announced by each commit, in version order', () => {
    fc.assert(
      fc.property(delivered({ devices: 3, perDevice: 20 }), ([, deliveries, policy]) => {
        const { commits } = deliver([...deliveries, endOf(deliveries, 3_600_000)], policy);
        const received = new Map<string, unknown>();
        let version: number | undefined;
        for (const { record, changes } of commits) {
          if (!record) continue;
          version ??= record.version - 1;
          for (const change of changes) {
            const { state, sinceMs, cause, tag, participantRef: ref } = change;
            expect(change.version).toBe(version + 1);
            expect(change.previousState).toBe(
              (received.get(change.deviceId ?? '') as { state?: string })?.state ?? null,
            );
            received.set(
              change.deviceId ?? '',
              change.deviceId ? { state, sinceMs, cause } : { state, sinceMs, cause, tag, ref },
            );
          }
          if (changes.length > 0) version += 1;
          expect(record.version).toBe(version);
          const { announced, tag, participantRef } = record;
          const views = announced.devices.map(
            ({ deviceId, state, sinceMs, cause }) => [deviceId, { state, sinceMs, cause }] as const,
          );
          const { state, sinceMs, cause } = announced;
          expect(received).toEqual(
            new Map<string, unknown>([
              ['', { state, sinceMs, cause, tag: tag?.value, ref: participantRef?.value }],
              ...views,
            ]),
          );
        }
      }),
      MANY,
    );
  });

  it('never announce the same state twice in a row, so that each departure is announced once', () => {
    fc.assert(
      fc.property(delivered({ devices: 3, perDevice: 20 }), ([, deliveries, policy]) => {
        const { changes } = deliver([...deliveries, endOf(deliveries, 3_600_000)], policy);
        const last = new Map<string | undefined, string>();
        for (const { deviceId, type, state } of changes) {
          const isNewState = last.get(deviceId) !== state;
          expect(type.endsWith('.updated')).toBe(!isNewState);
          last.set(deviceId, state);
        }
      }),
      MANY,
    );
  });
});

describe('nodes with different clocks', () => {
  const behind = fc.array(fc.constantFrom(0, 0, 100, 5_000, 70_000), { minLength: 8, maxLength: 8 });

  it('never bring back a device that is gone by the clock furthest ahead', () => {
    fc.assert(
      fc.property(delivered({ devices: 3, perDevice: 6 }), behind, ([, deliveries, anyPolicy], lags) => {
        // With one device at a time, an event of another device may bring it back.
        const policy = { ...anyPolicy, devicesAtOnce: 'many' as const };
        const steps = deliveries.flatMap(({ events, nowMs }, index) => {
          const lagMs = lags[index % lags.length] ?? 0;
          return events.map((event) => ({ events: [event], nowMs: nowMs - lagMs }));
        });
        const { commits } = deliver(steps, policy);
        for (const [index, { events }] of steps.entries()) {
          const after = commits[index]?.record?.announced.devices ?? [];
          for (const { deviceId, state } of commits[index - 1]?.record?.announced.devices ?? []) {
            if (state !== 'gone' || events.some((event) => event.deviceId === deviceId)) continue;
            expect(after.find((device) => device.deviceId === deviceId)?.state).toBe('gone');
          }
        }
      }),
      MANY,
    );
  });
});

describe('`version`', () => {
  it('grows for a participant even if its record was forgotten in between', () => {
    const policyOf = policies.map((policy) => ({ ...policy, retentionMs: 60_000 }));
    const gapsMs = fc.array(fc.constantFrom(1, 1_000, 59_000, 60_001, 90_000_000), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(histories({ devices: 2, perDevice: 8 }), gapsMs, policyOf, (events, gaps, policy) => {
        let [record, version, nowMs]: [ParticipantRecord | undefined, number, number] = [undefined, 0, START_MS];
        for (const [index, event] of events.entries()) {
          nowMs += gaps[index % gaps.length] ?? 0;
          const times = { occurredAtMs: nowMs, receivedAtMs: nowMs };
          const clean = index % 2 === 0 ? advance(record, [], nowMs, policy).record : record;
          const next = advance(clean, [{ ...event, ...times }], nowMs, policy);
          for (const change of next.changes) expect(change.version).toBeGreaterThan(version);
          version = next.changes[0]?.version ?? version;
          record = next.record;
        }
      }),
      MANY,
    );
  });
});

describe('a record', () => {
  it('does not change for an event older than the base', () => {
    fc.assert(
      fc.property(delivered({ devices: 1, perDevice: 60 }), ([, deliveries, policy]) => {
        const { record } = deliver(deliveries, policy);
        const base = [...(record?.devices.values() ?? [])][0]?.base;
        fc.pre(base !== undefined);
        const event = left({ at: (base ? orderedAtMs(base.upTo) : 0) - 1, receivedAt: LATER_MS, tag: 'late' });
        const after = advance(record, [event], (record?.deadlineMs as number) - 1, policy);
        expect(after).toEqual({ record, changes: [], verdicts: ['stale'] });
      }),
    );
  });

  it('changes at its deadline without an event, and not before', () => {
    fc.assert(
      fc.property(
        delivered({ devices: 3, perDevice: 12 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        ([events, deliveries, policy], share) => {
          const now = endOf(deliveries).nowMs;
          const { record } = deliver([...deliveries, endOf(deliveries)], policy);
          if (!record) throw new Error('forgotten at once');
          expect(record.deadlineMs).toBeGreaterThan(now);
          const before = now + Math.floor((record.deadlineMs - 1 - now) * share);
          expect(expectedView(events, policy, before)).toEqual(record.announced);
          const due = advance(record, [], record.deadlineMs, policy);
          expect(due.record?.announced).not.toEqual(record.announced);
        },
      ),
      MANY,
    );
  });

  it('stays bounded however long devices flap and however many there are', () => {
    const kinds = fc.constantFrom<EventKind[]>('connected', 'disconnected', 'left');
    const flapping = fc.array(
      fc.record({
        kind: kinds,
        device: fc.nat(60),
        gapMs: fc.nat(2_000),
      }),
      { minLength: 500, maxLength: 500 },
    );
    fc.assert(
      fc.property(flapping, policies, (flaps, policy) => {
        let record: ParticipantRecord | undefined;
        let now = START_MS;
        for (const { kind, device, gapMs } of flaps) {
          now += gapMs;

          record = advance(record, [eventOf(kind, { device: `d${device}`, at: now })], now, policy).record;
        }
        expect(record?.devices.size).toBeLessThanOrEqual(MAX_DEVICES + MAX_DEVICES_WITHOUT_CONNECT);
        expect(record?.announced.devices.length).toBe(record?.devices.size);
        expect(record?.pastStays.length).toBeLessThanOrEqual(MAX_PAST_STAYS);
        for (const { events } of record?.devices.values() ?? [])
          expect(events.length).toBeLessThanOrEqual(MAX_KEPT_EVENTS);
      }),
      { numRuns: lengthOf(4, 50) },
    );
  });

  it('is forgotten after the retention, with its ended devices', () => {
    fc.assert(
      fc.property(delivered({ devices: 3, perDevice: 8 }), ([, deliveries, policy]) => {
        const { record } = deliver(deliveries, policy);
        let current = record;
        for (let rounds = 0; current && rounds < 20; rounds += 1) {
          current = advance(current, [], current.deadlineMs, policy).record;
        }
        expect(current).toBeUndefined();
      }),
    );
  });
});
