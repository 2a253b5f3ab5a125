// Ends of all devices of a participant, among the events of its devices.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_KEPT_EVENTS } from '../../src/domain/device-history.js';
import type { RecordedEvent } from '../../src/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import { MAX_KEPT_ENDS } from '../../src/domain/participant-ends.js';
import type { PresencePolicy } from '../../src/domain/policy.js';
import { lengthOf } from '../length.js';
import { participantEnd } from './builders.js';
import {
  type Delivery,
  deliveriesOf,
  expectedView,
  histories,
  MAX_EARLY_MS,
  participantEnds,
  policies,
  START_MS,
} from './histories.js';

const MANY = { numRuns: lengthOf(100, 3_000) };
const LATER_MS = START_MS + 3_600_000;

const eventsOf = (shape: Parameters<typeof histories>[0], maxEnds = MAX_KEPT_ENDS) =>
  fc.tuple(histories(shape), participantEnds(maxEnds)).map(([events, ends]) => [...events, ...ends]);
const delivered = (...shape: Parameters<typeof eventsOf>) =>
  eventsOf(...shape).chain((events) => fc.tuple(fc.constant(events), deliveriesOf(events), policies));

function deliver(deliveries: readonly Delivery[], policy: PresencePolicy) {
  let record: ParticipantRecord | undefined;
  const accepted: RecordedEvent[] = [];
  for (const { events, nowMs } of deliveries) {
    const next = advance(record, events, nowMs, policy);
    accepted.push(...events.filter((_, index) => next.verdicts[index] !== 'stale'));
    record = next.record;
  }
  return { record, accepted };
}

const endOf = (deliveries: readonly Delivery[], extraMs = 0) => ({
  events: [],
  nowMs: (deliveries.at(-1)?.nowMs ?? 0) + extraMs,
});

describe('presence with ends of all devices', () => {
  it('is a function of the set of events, the clock and the policy', () => {
    const shape = { devices: 3, perDevice: MAX_KEPT_EVENTS };
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
          if (policy.clockSkewMs < MAX_EARLY_MS) return;
          expect(record?.lastEventAtMs).toBe(atOnce?.lastEventAtMs);
          expect(record?.tag).toEqual(atOnce?.tag);
        },
      ),
      MANY,
    );
  });

  it('is the same function when most of the events of the devices have been folded into the base', () => {
    const folded = histories({ devices: 2, perDevice: 40 }).chain((events) =>
      fc.tuple(deliveriesOf(events), participantEnds(), policies),
    );
    fc.assert(
      fc.property(folded, ([deliveries, ends, anyPolicy]) => {
        const policy = { ...anyPolicy, clockSkewMs: MAX_EARLY_MS };
        const end = endOf(deliveries);
        // An end that is older than the base of a device is stale for that device only.
        const { record, accepted } = deliver([{ events: ends, nowMs: START_MS }, ...deliveries, end], policy);
        expect(record?.announced).toEqual(expectedView(accepted, policy, end.nowMs));
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
        expect(again.record).toBe(record);
      }),
      MANY,
    );
  });

  it('is over for every device that connected at or before the end, whatever is received later', () => {
    const kinds = fc.constantFrom('participant-disconnected' as const, 'participant-left' as const);
    const events = histories({ devices: 3, perDevice: 6 }).filter((some) => some.every(({ kind }) => kind !== 'ended'));
    const ordered = fc.tuple(events, kinds).chain(([some, kind]) => {
      const end = participantEnd(kind, { at: Math.max(...some.map(({ occurredAtMs }) => occurredAtMs)) });
      return fc.tuple(deliveriesOf([...some, end]), policies);
    });
    fc.assert(
      fc.property(ordered, ([deliveries, policy]) => {
        const { record } = deliver([...deliveries, { events: [], nowMs: LATER_MS }], policy);
        expect(record?.announced).toMatchObject({ state: 'gone' });
        expect(record?.announced.devices.filter(({ state }) => state !== 'gone')).toEqual([]);
      }),
      MANY,
    );
  });

  it('changes at its deadline without an event, and not before, even if only ends were received', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          participantEnds().filter(({ length }) => length > 0),
          eventsOf({ devices: 2, perDevice: 6 }),
        ),
        policies,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (events, policy, share) => {
          const nowMs = START_MS + 100_000;
          const { record } = advance(undefined, events, nowMs, policy);
          if (!record) throw new Error('forgotten at once');
          const beforeMs = nowMs + Math.floor((record.deadlineMs - 1 - nowMs) * share);
          expect(advance(record, [], beforeMs, policy).record).toBe(record);
          expect(expectedView(events, policy, beforeMs)).toEqual(record.announced);
          expect(advance(record, [], record.deadlineMs, policy).record?.announced).not.toEqual(record.announced);
        },
      ),
      MANY,
    );
  });

  it('needs a bounded number of them, which are folded into the bases of the devices', () => {
    const delivery = delivered({ devices: 2, perDevice: 12 }, 40);
    fc.assert(
      fc.property(delivery, ([, deliveries, policy]) => {
        const { record } = deliver(deliveries, policy);
        expect(record?.ends.length).toBeLessThanOrEqual(MAX_KEPT_ENDS);
        for (const { events } of record?.devices.values() ?? []) {
          expect(events.length).toBeLessThanOrEqual(MAX_KEPT_EVENTS);
          expect(events.filter(({ kind }) => kind.startsWith('participant-'))).toEqual([]);
        }
      }),
      MANY,
    );
  });
});
