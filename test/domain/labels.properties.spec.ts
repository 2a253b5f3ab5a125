// Labels among the events of devices, ends and availability.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { labelsOf, MAX_LABELS } from '../../src/domain/labels.js';
import { operatorLabels as labelEvent } from '../../src/domain/operator-labels.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import { lengthOf } from '../length.js';
import { labelsOf as modelledLabels } from '../model/presence-model.js';
import { modelEventOf, subjectOf } from './builders.js';
import {
  availabilityFacts,
  deliveriesOf,
  expectedView,
  histories,
  operatorLabels,
  participantEnds,
  policies,
  recordAfter,
  START_MS,
  withLabels,
} from './histories.js';

const MANY = { numRuns: lengthOf(200, 5_000) };

/** Often no event of a device or its end. */
const events = fc
  .tuple(
    fc.oneof(fc.constant([]), histories({ devices: 2, perDevice: 4 })),
    fc.oneof(fc.constant([]), participantEnds(1)),
    availabilityFacts(1),
    operatorLabels,
  )
  .chain((parts) => withLabels(parts.flat()))
  .filter(({ length }) => length > 0);
/** The clock of the provider is never too far ahead, so the model can order events by the provider's time. */
const skewed = policies.map((policy) => ({ ...policy, clockSkewMs: 5_000 }));
const delivered = events.chain((all) => fc.tuple(fc.constant(all), deliveriesOf(all), skewed));

describe('labels', () => {
  it('are a function of the set of events, and so is who is expected', () => {
    fc.assert(
      fc.property(delivered, fc.constantFrom(0, 500, 30_000, 600_000), ([all, deliveries, policy], extraMs) => {
        const end = { events: [], nowMs: (deliveries.at(-1)?.nowMs ?? 0) + extraMs };
        const record = recordAfter([...deliveries, end], policy);
        expect(labelsOf(record?.labels)).toEqual(modelledLabels(all.map(modelEventOf)));
        expect(record?.announced).toEqual(expectedView(all, policy, end.nowMs));
        const atOnce = advance(undefined, all, end.nowMs, policy).record;
        expect(record?.labels).toEqual(atOnce?.labels);
        expect(record?.deadlineMs).toBe(atOnce?.deadlineMs);
        expect(record?.lastEventAtMs).toBe(atOnce?.lastEventAtMs);
      }),
      MANY,
    );
  });

  it('do not change when the same events are received again', () => {
    fc.assert(
      fc.property(delivered, ([all, deliveries, policy]) => {
        const record = recordAfter(deliveries, policy);
        const again = advance(record, all, deliveries.at(-1)?.nowMs ?? 0, policy);
        expect(again.verdicts).not.toContain('applied');
        expect(again.record).toBe(record);
      }),
      MANY,
    );
  });

  it('are those that the last announced change of the participant says', () => {
    fc.assert(
      fc.property(delivered, ([, deliveries, policy]) => {
        let record: ParticipantRecord | undefined;
        let said: object = {};
        for (const { events: received, nowMs } of deliveries) {
          const before = labelsOf(record?.labels);
          const next = advance(record, received, nowMs, policy);
          const change = next.changes.find(({ deviceId }) => deviceId === undefined);
          if (change) said = change.labels ?? {};
          if (change?.previousLabels) expect(change.previousLabels).toEqual(before);
          record = next.record;
          expect(said).toEqual(labelsOf(record?.labels));
        }
      }),
      MANY,
    );
  });

  it('of an operator replace those that were set before, also if the clock was set back', () => {
    const steps = fc.array(
      fc.tuple(
        fc.dictionary(fc.constantFrom('call', 'user'), fc.constantFrom('1', '2')),
        fc.integer({ min: -9, max: 9 }),
      ),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(steps, policies, (some, policy) => {
        let record: ParticipantRecord | undefined;
        let nowMs = START_MS;
        let announcedAtMs: number | undefined;
        for (const [labels, passMs] of some) {
          nowMs += passMs;
          const event = labelEvent(subjectOf(), record, labels, nowMs);
          expect(event === undefined).toBe(record === undefined && Object.keys(labels).length === 0);
          if (!event) continue;
          record = advance(record, [event], nowMs, policy).record;
          const isAnnounced = Object.keys(labels).length > 0;
          announcedAtMs = isAnnounced ? (announcedAtMs ?? event.occurredAtMs) : undefined;
          expect(labelsOf(record?.labels)).toEqual(labels);
          expect(record?.announced.state).toBe(isAnnounced ? 'expected' : 'gone');
          if (isAnnounced) expect(record?.announced.sinceMs).toBe(announcedAtMs);
        }
      }),
      MANY,
    );
  });

  it('are at most eight, of which those of an operator come first, then those of the minted URL', () => {
    const names = fc.constantFrom(...'abcdefghijkl'.split(''));
    const set = (origin: string) =>
      fc
        .dictionary(names, fc.constant(origin), { maxKeys: MAX_LABELS, minKeys: 1 })
        .map((labels) => ({ labels, occurredAtMs: START_MS, receivedAtMs: START_MS, sinceMs: START_MS }));
    fc.assert(
      fc.property(set('source'), set('minted'), set('operator'), (source, minted, operator) => {
        const merged = labelsOf({ source, minted, operator });
        const own = Object.keys(operator.labels);
        expect(own.every((name) => merged[name] === 'operator')).toBe(true);
        expect(Object.keys(merged)).toEqual(Object.keys(merged).toSorted());
        const all = new Set([source, minted, operator].flatMap(({ labels }) => Object.keys(labels)));
        expect(Object.keys(merged)).toHaveLength(Math.min(MAX_LABELS, all.size));
        const fromSource = Object.values(merged).includes('source');
        if (fromSource) expect(Object.keys(minted.labels).every((name) => merged[name] !== undefined)).toBe(true);
      }),
      MANY,
    );
  });
});
