// Compares one participant with the reference model, commit by commit and through pauses of any length: its announcements,
// deadlines and what is forgotten.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_KEPT_EVENTS } from '../../src/domain/device-history.js';
import type { EventKind } from '../../src/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import { lengthOf } from '../length.js';
import { ModelledParticipant } from '../model/modelled-participant.js';
import { policy as defaults, eventOf, modelEventOf, subjectOf } from './builders.js';
import { START_MS } from './histories.js';

const GRACE_MS = 15_000;
const policy = { ...defaults, graceMs: GRACE_MS, overlapMs: 4_000, maxConnectionMs: 60_000, retentionMs: 90_000 };

const event = fc.record({
  kind: fc.constantFrom<EventKind[]>('connected', 'connected', 'disconnected', 'left'),
  device: fc.constantFrom('d1', 'd2', 'd3'),
  agoMs: fc.constantFrom(0, 0, 1, 3_000, 4_000),
  tag: fc.constantFrom(undefined, undefined, 'red', 'blue'),
});
const allSteps = fc.array(
  fc.record({
    events: fc.array(event, { maxLength: 4 }),
    /** Some are exactly a limit of the policy, or one off. */
    passMs: fc.constantFrom(0, 1, 4_000, 4_001, GRACE_MS, GRACE_MS + 1, 60_000, 60_001, 90_000),
  }),
  { minLength: 1, maxLength: 12 },
);

/** Few enough events per device that all are kept, as in the model. */
const steps = allSteps.filter((all) => {
  const devices = all.flatMap(({ events }) => events.map(({ device }) => device));
  return devices.every((device) => devices.filter((other) => other === device).length <= MAX_KEPT_EVENTS);
});

describe('a participant', () => {
  it('matches the reference model after every step', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(0, 2_000, 20_000), (history, leaveGraceMs) => {
        const rules = { ...policy, leaveGraceMs };
        const model = new ModelledParticipant(subjectOf(), rules);
        const announced: object[] = [];
        let record: ParticipantRecord | undefined;
        let nowMs = START_MS;
        for (const { events, passMs } of history) {
          nowMs += passMs;
          const received = events.map(({ agoMs, ...parts }) =>
            eventOf(parts.kind, { ...parts, at: nowMs - agoMs, receivedAt: nowMs }),
          );
          const next = advance(record, received, nowMs, rules);
          record = next.record;
          announced.push(...next.changes);
          model.step(received.map(modelEventOf), nowMs);
          const { version, tag, view } = model.known ?? {};
          expect(record && [record.version, record.tag?.value, record.announced]).toEqual(
            model.known && [version, tag, view],
          );
          expect(announced).toEqual(model.changes);
          expect(record?.deadlineMs ?? Number.POSITIVE_INFINITY).toBe(model.dueMs(nowMs));
        }
      }),
      { numRuns: lengthOf(100, 3_000) },
    );
  });
});
