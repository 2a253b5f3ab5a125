// An explanation is complete: replaying its steps gives exactly the presence that was announced, and they are the same for every
// order of arrival.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Connection, step } from '../../src/domain/connection.js';
import { MAX_KEPT_EVENTS } from '../../src/domain/device-history.js';
import { MAX_DEVICES } from '../../src/domain/eviction.js';
import { type ExplainedDevice, type Explanation, explain } from '../../src/domain/explain.js';
import type { KeptEvent, RecordedEvent } from '../../src/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import type { PresencePolicy } from '../../src/domain/policy.js';
import type { Rule } from '../../src/domain/rules.js';
import { lengthOf } from '../length.js';
import { subjectOf } from './builders.js';
import {
  availabilityFacts,
  type Delivery,
  deliveriesOf,
  histories,
  participantEnds,
  policies,
  START_MS,
} from './histories.js';

const MANY = { numRuns: lengthOf(100, 2_000) };
const FEW = { numRuns: lengthOf(20, 200) };

const allPolicies = fc
  .tuple(policies, fc.constantFrom(undefined, 2_000))
  .map(([policy, listLagMs]): PresencePolicy => ({ ...policy, listLagMs }));

const delivered = (shape: Parameters<typeof histories>[0]) =>
  fc
    .tuple(histories(shape), participantEnds(), availabilityFacts())
    .map((parts): RecordedEvent[] => parts.flat())
    .chain((events) => fc.tuple(fc.constant(events), deliveriesOf(events), allPolicies));

/** All of them, and then time passes. */
function deliver(deliveries: readonly Delivery[], extraMs: number, policy: PresencePolicy) {
  const nowMs = (deliveries.at(-1)?.nowMs ?? 0) + extraMs;
  return [...deliveries, { events: [], nowMs }].reduce<ParticipantRecord | undefined>(
    (record, { events, nowMs }) => advance(record, events, nowMs, policy).record,
    undefined,
  );
}

const waits = fc.constantFrom(0, 500, 30_000, 600_000);

/** What each rule makes of a device; undefined: nothing. */
const EFFECTS: Partial<Record<Rule, 'open' | 'lost' | 'ended'>> = {
  opened: 'open',
  'opened-again': 'open',
  'opened-after-loss': 'open',
  'opened-after-expiry': 'open',
  resumed: 'open',
  'socket-added': 'open',
  'sighting-confirmed': 'open',
  'older-socket-closed': 'open',
  sighted: 'open',
  seen: 'open',
  'seen-while-lost': 'open',
  'seen-after-end': 'open',
  lost: 'lost',
  'lost-again': 'lost',
  'lost-without-connect': 'lost',
  'loss-confirmed': 'lost',
  'operator-end-undone': 'lost',
  unseen: 'lost',
  'superseded-in-doubt': 'lost',
  left: 'ended',
  'left-while-lost': 'ended',
  'left-without-connect': 'ended',
  'left-after-expiry': 'ended',
  'left-after-operator-end': 'ended',
  'ended-by-operator': 'ended',
  'leave-grace-cancelled': 'ended',
  'already-expired': 'ended',
  superseded: 'ended',
  'superseded-while-lost': 'ended',
  'grace-over': 'ended',
  expired: 'ended',
};
const STATES = { open: 'connected', lost: 'reconnecting', ended: 'gone' } as const;

function expectToExplain({ devices, view }: Explanation, policy: PresencePolicy): void {
  expect(devices.map((device) => device.view)).toEqual(view.devices);
  for (const { base, steps, connection, view: device } of devices) {
    let replayed: Connection | undefined = base?.connection;
    let phase: Connection['phase'] | undefined = base?.connection.phase;
    for (const one of steps) {
      if ('event' in one) {
        const { event, isMoved: _moved, overtakenBy: _late, ...made } = one;
        expect(step(replayed, event, policy)).toEqual(made);
      }
      replayed = one.connection;
      phase = EFFECTS[one.rule] ?? phase;
    }
    expect(replayed).toEqual(connection);
    expect(phase && STATES[phase]).toBe(device.state);
  }
}

/** The events in the explanation, as they may be received. */
function eventsIn({ devices, ends, availability }: Explanation): RecordedEvent[] {
  const subject = subjectOf();
  const eventsOf = ({ view: { deviceId }, steps }: ExplainedDevice) =>
    steps.flatMap((one) => {
      if (!('event' in one) || one.event.kind.startsWith('participant-')) return [];
      return [{ ...one.event, subject, deviceId }];
    });
  const facts = availability.map(({ fact }) => ({ ...fact, subject }));
  const ofAll = ends.map(({ event }) => ({ ...event, subject }));
  const received = [...devices.flatMap(eventsOf), ...ofAll, ...facts] as (KeptEvent & { cappedAtMs?: number })[];
  return received.map(({ cappedAtMs: _computed, ...event }) => event) as unknown as RecordedEvent[];
}

describe('the explanation of presence', () => {
  it.each([
    { devices: 3, perDevice: MAX_KEPT_EVENTS, isObserved: false },
    { devices: 3, perDevice: 8, isObserved: true },
    { devices: 2, perDevice: 40, isObserved: true },
    { devices: 60, perDevice: 2, isObserved: false },
  ])('gives exactly the announced presence when its steps are replayed: %j', (shape) => {
    fc.assert(
      fc.property(delivered(shape), waits, ([, deliveries, policy], extraMs) => {
        const record = deliver(deliveries, extraMs, policy);
        if (!record) throw new Error('forgotten');
        const explanation = explain(record, policy);
        expect(explanation.view).toEqual(record.announced);
        expect(explanation).toMatchObject({ isOutdated: false, next: { atMs: record.deadlineMs } });
        expectToExplain(explanation, policy);
      }),
      shape.devices > MAX_DEVICES ? FEW : MANY,
    );
  });

  it('has all that the presence follows from, while all events are kept', () => {
    fc.assert(
      fc.property(delivered({ devices: 3, perDevice: MAX_KEPT_EVENTS }), waits, ([, deliveries, policy], extraMs) => {
        const record = deliver(deliveries, extraMs, policy) as ParticipantRecord;
        const nowMs = record.settledAtMs ?? START_MS;
        const again = advance(undefined, eventsIn(explain(record, policy)).toReversed(), nowMs, policy).record;
        expect(again?.announced).toEqual(record.announced);
      }),
      MANY,
    );
  });

  it('is the same for every order of arrival, batching and repetition', () => {
    fc.assert(
      fc.property(
        delivered({ devices: 3, perDevice: MAX_KEPT_EVENTS, aheadMs: 600_000 }),
        waits,
        ([events, deliveries, policy], extraMs) => {
          const nowMs = (deliveries.at(-1)?.nowMs ?? 0) + extraMs;
          const atOnce = deliver([{ events, nowMs }], 0, policy) as ParticipantRecord;
          const record = deliver(deliveries, extraMs, policy) as ParticipantRecord;
          expect(explain(record, policy)).toEqual(explain(atOnce, policy));
        },
      ),
      MANY,
    );
  });
});
