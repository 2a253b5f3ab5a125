// Deduplication and order of events, for providers that send whole seconds, ids or sequence numbers.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { EventKind, LifecycleEvent } from '../../src/domain/lifecycle-event.js';
import { advance } from '../../src/domain/participant.js';
import { lengthOf } from '../length.js';
import { eventOf, policy } from './builders.js';
import { deliveriesOf, expectedView, START_MS } from './histories.js';

const KINDS: EventKind[] = ['connected', 'disconnected', 'left'];
const NOW_MS = START_MS + 20_000;
const at = (ms: number) => START_MS + ms;

/** The events of one device, a few hundred milliseconds apart and received in order. */
const lives = fc.array(fc.record({ kind: fc.constantFrom(...KINDS), passMs: fc.integer({ min: 50, max: 900 }) }), {
  minLength: 1,
  maxLength: 14,
});

function eventsOf(life: { kind: EventKind; passMs: number }[], of: (event: { n: number; ms: number }) => object) {
  let ms = 0;
  return life.map(({ kind, passMs }, n) => {
    ms += passMs;
    return eventOf(kind, { at: at(ms), receivedAt: at(ms + 20), ...of({ n, ms }) });
  });
}

/** The final state of the device, and its cause. */
function outcomeOf(events: readonly LifecycleEvent[]) {
  const { record } = advance(undefined, events, NOW_MS, policy);
  const device = record?.announced.devices[0];
  return { state: device?.state, cause: device?.cause };
}

const wholeSecond = (ms: number) => Math.floor(at(ms) / 1_000) * 1_000;

describe('events of a source that sends whole seconds', () => {
  it('are all applied within a second, when each has an id', () => {
    fc.assert(
      fc.property(lives, (life) => {
        const exact = eventsOf(life, () => ({}));
        const coarse = eventsOf(life, ({ n, ms }) => ({ at: wholeSecond(ms), precisionMs: 1_000, eventId: `e${n}` }));
        const { verdicts } = advance(undefined, coarse, NOW_MS, policy);
        expect(verdicts).toEqual(coarse.map(() => 'applied'));
        const [expected, found] = [outcomeOf(exact), outcomeOf(coarse)];
        expect(found.state === 'connected').toBe(expected.state === 'connected');
        expect(found.cause === 'left').toBe(expected.cause === 'left');
      }),
    );
  });

  it('give the right state in any order of receipt, when each has a sequence number', () => {
    const shuffled = lives.chain((life) => {
      const exact = eventsOf(life, () => ({}));
      const coarse = eventsOf(life, ({ n, ms }) => ({ at: wholeSecond(ms), precisionMs: 1_000, sequence: n }));
      const order = fc.shuffledSubarray([...coarse.keys()], { minLength: coarse.length });
      return fc.tuple(fc.constant(exact), fc.constant(coarse), order);
    });
    fc.assert(
      fc.property(shuffled, ([exact, coarse, order]) => {
        const received = order.map((n, place) => ({
          ...(coarse[n] as LifecycleEvent),
          receivedAtMs: at(14_000 + place),
        }));
        const [expected, found] = [outcomeOf(exact), outcomeOf(received)];
        expect(found.state === 'connected').toBe(expected.state === 'connected');
      }),
    );
  });

  it.each([
    ['leaving and returning', ['connected', 'left', 'connected'], 'connected'],
    ['joining, dropping and rejoining', ['connected', 'disconnected', 'connected'], 'connected'],
    ['joining and leaving', ['connected', 'left'], 'gone'],
  ] as const)('support %s within one second', (_, kinds, state) => {
    const second = { at: START_MS, precisionMs: 1_000 } as const;
    const events = kinds.map((kind, n) => eventOf(kind, { ...second, receivedAt: at(100 * n), eventId: `e${n}` }));
    for (const given of [events, events.toReversed()]) expect(outcomeOf(given).state).toBe(state);
  });
});

/** The same event, sent again by a provider that changes its time. */
function resent(event: LifecycleEvent): LifecycleEvent {
  return { ...event, occurredAtMs: event.occurredAtMs + 900, receivedAtMs: event.receivedAtMs + 5_000 };
}

describe('presence', () => {
  /** Any mixture of events, including ones that no provider would send. */
  const mixtures = fc.array(
    fc
      .record({
        kind: fc.constantFrom(...KINDS),
        second: fc.nat(5),
        delayMs: fc.constantFrom(0, 20, 700, 3_000),
        precisionMs: fc.constantFrom(1 as const, 1_000 as const),
        sequence: fc.option(fc.nat(6), { nil: undefined }),
      })
      .map(({ kind, second, delayMs, ...parts }) => ({
        kind,
        parts: { ...parts, at: at(second * 1_000), receivedAt: at(second * 1_000 + delayMs) },
      })),
    { minLength: 1, maxLength: 12 },
  );
  const delivered = fc
    .tuple(mixtures, fc.boolean())
    .map(([events, haveIds]) =>
      events.map(({ kind, parts }, n) => eventOf(kind, { ...parts, ...(haveIds && { eventId: `e${n}` }) })),
    )
    .chain((events) =>
      fc
        .subarray(events.filter(({ eventId }) => eventId !== undefined))
        .map((some) => [...events, ...some.map(resent)]),
    )
    .chain((events) => fc.tuple(fc.constant(events), deliveriesOf(events)));

  it('matches the reference model for any order, repetition and batching, whatever the ids, sequence numbers and precision', () => {
    fc.assert(
      fc.property(delivered, ([events, deliveries]) => {
        const lastMs = Math.max(NOW_MS, deliveries.at(-1)?.nowMs ?? 0);
        let record: ReturnType<typeof advance>['record'];
        for (const { events: some, nowMs } of deliveries) record = advance(record, some, nowMs, policy).record;
        const found = advance(record, [], lastMs, policy).record?.announced;
        expect(found).toEqual(expectedView(events, policy, lastMs));
      }),
      { numRuns: lengthOf(200, 3_000) },
    );
  });

  it('recognises a repeated event by its id, even if its time has changed', () => {
    const first = eventOf('connected', { at: at(0), eventId: 'e1' });
    const again = eventOf('connected', { at: at(900), receivedAt: at(5_000), eventId: 'e1' });
    expect(advance(undefined, [first, again], NOW_MS, policy).verdicts).toEqual(['applied', 'duplicate']);
  });

  it('is ended by an operator after the event with the highest sequence number, but not after a later event', () => {
    const first = eventOf('connected', { at: at(1_000), sequence: 2 });
    const earlier = eventOf('disconnected', { at: at(1_500), sequence: 1 });
    const ended = eventOf('ended', { at: at(1_000), receivedAt: at(9_000), sequence: 2 });
    const later = eventOf('connected', { at: at(900), receivedAt: at(9_500), sequence: 3 });
    expect(outcomeOf([first, earlier, ended])).toEqual({ state: 'gone', cause: 'ended' });
    expect(outcomeOf([first, earlier, ended, later]).state).toBe('connected');
  });
});
