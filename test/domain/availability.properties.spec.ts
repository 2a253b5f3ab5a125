// Availability among the events of devices and ends.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_KEPT_FACTS } from '../../src/domain/availability.js';
import { advance } from '../../src/domain/participant.js';
import { lengthOf } from '../length.js';
import { connected, fact } from './builders.js';
import {
  availabilityFacts,
  deliveriesOf,
  expectedView,
  histories,
  participantEnds,
  policies,
  recordAfter,
  START_MS,
} from './histories.js';

const MANY = { numRuns: lengthOf(200, 5_000) };

/** Few events of devices, so that many of the facts are about a presence. */
const events = fc
  .tuple(histories({ devices: 2, perDevice: 4 }), participantEnds(1), availabilityFacts())
  .map((parts) => parts.flat());
const delivered = events.chain((all) => fc.tuple(fc.constant(all), deliveriesOf(all), policies));

describe('availability', () => {
  it('is a function of the set of events, the clock and the policy', () => {
    fc.assert(
      fc.property(delivered, fc.constantFrom(0, 500, 30_000, 600_000), ([all, deliveries, policy], extraMs) => {
        const end = { events: [], nowMs: (deliveries.at(-1)?.nowMs ?? 0) + extraMs };
        const record = recordAfter([...deliveries, end], policy);
        const atOnce = advance(undefined, all, end.nowMs, policy).record;
        expect(record?.announced).toEqual(expectedView(all, policy, end.nowMs));
        expect(record?.availabilityFacts).toEqual(atOnce?.availabilityFacts);
        expect(record?.deadlineMs).toBe(atOnce?.deadlineMs);
      }),
      MANY,
    );
  });

  it('does not change when the same events are received again', () => {
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

  it('is only known of a connected participant, and never began before its presence', () => {
    fc.assert(
      fc.property(delivered, ([, deliveries, policy]) => {
        const { state, sinceMs, availability } = recordAfter(deliveries, policy)?.announced ?? {};
        if (!availability) return;
        expect(state).toBe('connected');
        expect(availability.sinceMs).toBeGreaterThanOrEqual(sinceMs ?? 0);
      }),
      MANY,
    );
  });

  it('changes at its deadline without an event, and not before', () => {
    fc.assert(
      fc.property(events, policies, fc.double({ min: 0, max: 1, noNaN: true }), (all, policy, share) => {
        const nowMs = START_MS + 30_000;
        const { record } = advance(undefined, all, nowMs, policy);
        if (!record) throw new Error('forgotten at once');
        const beforeMs = nowMs + Math.floor((record.deadlineMs - 1 - nowMs) * share);
        expect(advance(record, [], beforeMs, policy).record).toBe(record);
        expect(expectedView(all, policy, beforeMs)).toEqual(record.announced);
        expect(advance(record, [], record.deadlineMs, policy).record?.announced).not.toEqual(record.announced);
      }),
      MANY,
    );
  });

  it('keeps its start, whatever the number of facts received in order', () => {
    const kinds = fc.array(fc.constantFrom('available' as const, 'busy' as const, 'set-available' as const), {
      minLength: 40,
      maxLength: 60,
    });
    const lasting = fc.constantFrom(undefined, 1_500, 2_000);
    fc.assert(
      fc.property(kinds, lasting, policies, (some, lastsMs, policy) => {
        const first = fact('busy', { at: START_MS });
        // All facts after the first few are equal, so that their run began long before those that are kept.
        const facts = some.map((kind, n) => {
          const at = START_MS + 1_000 * (n + 1);
          const until = n >= 5 && lastsMs !== undefined ? at + lastsMs : undefined;
          return fact(n < 5 ? kind : 'set-available', { at, until });
        });
        const all = [connected({ at: START_MS }), first, ...facts];
        const deliveries = all.map((event) => ({ events: [event], nowMs: event.receivedAtMs }));
        const record = recordAfter(deliveries, { ...policy, maxConnectionMs: 9 * 3_600_000 });
        expect(record?.availabilityFacts.length).toBeLessThanOrEqual(MAX_KEPT_FACTS);
        const nowMs = deliveries.at(-1)?.nowMs ?? 0;
        expect(record?.announced.availability).toEqual(
          (expectedView(all, { ...policy, maxConnectionMs: 9 * 3_600_000 }, nowMs) as { availability?: object })
            .availability,
        );
      }),
      MANY,
    );
  });
});
