import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Chaos, type ChaosPolicy, maxDelayMs } from '../../simulator/webhooks/chaos.js';
import type { SignallingEvent } from '../../simulator/webhooks/signalling-event.js';
import { NO_CHAOS } from './settings.js';

const T0 = 1_790_000_000_000;
const share = fc.double({ min: 0, max: 1, noNaN: true });
const policy: fc.Arbitrary<ChaosPolicy> = fc.record({
  lossShare: share,
  duplicateShare: share,
  delayMs: fc.nat(1_000),
  reorderShare: share,
  reorderWithinMs: fc.nat(5_000),
  skewMs: fc.nat(1_000),
  overlapShare: share,
  burstMs: fc.nat(3_000),
});
const events = fc.array(
  fc.record({
    kind: fc.constantFrom('onConnect', 'onLeave', 'onDisconnect'),
    participantId: fc.uuid(),
    deviceId: fc.uuid(),
    atMs: fc.nat(60_000).map((ms) => T0 + ms),
    socket: fc.integer({ min: 1, max: 9 }),
  }) as fc.Arbitrary<SignallingEvent>,
);

function many(count: number, parts: Partial<SignallingEvent> = {}): SignallingEvent[] {
  return Array.from({ length: count }, (_, n) => ({
    kind: 'onConnect',
    participantId: `00000000-0000-0000-0000-${n.toString(16).padStart(12, '0')}`,
    deviceId: 'd',
    atMs: T0 + n,
    socket: 1,
    ...parts,
  }));
}

function told(settings: Partial<ChaosPolicy>, of: readonly SignallingEvent[]) {
  const chaos = new Chaos({ ...NO_CHAOS, ...settings }, 7);
  return of.map((event) => ({ event, ...chaos.plan(event) }));
}

const timestampOf = (body: string) => Number(JSON.parse(body).timestamp);

describe('chaos', () => {
  it('does the same for the same seed, and something else for another one', () => {
    fc.assert(
      fc.property(policy, events, fc.integer(), (settings, told, seed) => {
        const run = () => {
          const chaos = new Chaos(settings, seed);
          return told.map((event) => chaos.plan(event));
        };
        expect(run()).toEqual(run());
      }),
    );
    const fates = (seed: number) => {
      const chaos = new Chaos({ ...NO_CHAOS, lossShare: 0.5 }, seed);
      return many(64).map((event) => chaos.plan(event).fate);
    };
    expect(fates(1)).not.toEqual(fates(2));
  });

  it('tells of an event not at all, once or twice, never before it was and never later than it may', () => {
    fc.assert(
      fc.property(policy, events, fc.integer(), (settings, all, seed) => {
        const chaos = new Chaos(settings, seed);
        for (const event of all) {
          const { fate, deliveries } = chaos.plan(event);
          expect(deliveries).toHaveLength({ lost: 0, sent: 1, repeated: 2 }[fate]);
          const [first, second] = deliveries;
          if (!first) continue;
          expect(first.sendAtMs).toBeGreaterThanOrEqual(event.atMs);
          expect(first.sendAtMs).toBeLessThanOrEqual(event.atMs + maxDelayMs(settings));
          if (!second) continue;
          expect(second.body).toBe(first.body);
          expect(second.sendAtMs).toBeGreaterThanOrEqual(first.sendAtMs);
        }
      }),
    );
  });

  it('does nothing where nothing is set', () => {
    for (const { event, deliveries } of told({}, many(100))) {
      expect(deliveries).toEqual([{ event, body: expect.any(String), sendAtMs: event.atMs }]);
      expect(timestampOf(deliveries[0]?.body ?? '')).toBe(event.atMs);
    }
  });

  it.each([
    ['loses', { lossShare: 0.1 }, 'lost'],
    ['repeats', { duplicateShare: 0.1 }, 'repeated'],
  ] as const)('%s as many as it is set to', (_, settings, fate) => {
    const count = told(settings, many(10_000)).filter((telling) => telling.fate === fate).length;
    expect(count).toBeGreaterThan(850);
    expect(count).toBeLessThan(1_150);
  });

  it('delays by as much as it is set to on average', () => {
    const delays = told({ delayMs: 200 }, many(10_000)).map(({ event, deliveries }) => {
      return (deliveries[0]?.sendAtMs ?? 0) - event.atMs;
    });
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    expect(mean).toBeGreaterThan(185);
    expect(mean).toBeLessThan(215);
  });

  it('lets others overtake those it holds back', () => {
    const tellings = told({ reorderShare: 0.2, reorderWithinMs: 2_000 }, many(1_000));
    const order = tellings
      .flatMap(({ deliveries }) => deliveries)
      .sort((a, b) => a.sendAtMs - b.sendAtMs)
      .map(({ event }) => event.atMs);
    expect(order).not.toEqual(order.toSorted((a, b) => a - b));
    expect(tellings.filter(({ event, deliveries }) => deliveries[0]?.sendAtMs !== event.atMs).length).toBeLessThan(250);
  });

  it('notices a loss only after the return, if there is one', () => {
    const isBackAtMs = T0 + 5_000;
    for (const { deliveries } of told({ overlapShare: 1 }, many(100, { kind: 'onDisconnect', isBackAtMs }))) {
      const { body, sendAtMs } = deliveries[0] ?? { body: '', sendAtMs: 0 };
      expect(timestampOf(body)).toBeGreaterThanOrEqual(isBackAtMs);
      expect(sendAtMs).toBe(timestampOf(body));
    }
    // Who was away for long was noticed to be.
    const long = many(100, { kind: 'onDisconnect', isBackAtMs: T0 + 20_000 });
    for (const { event, deliveries } of told({ overlapShare: 1 }, [...long, ...many(100, { kind: 'onDisconnect' })])) {
      expect(deliveries[0]?.sendAtMs).toBe(event.atMs);
    }
  });

  it('gives each host a clock of its own: one socket’s events are wrong by the same', () => {
    const tellings = told({ skewMs: 500 }, [...many(100), ...many(100, { kind: 'onLeave' })]);
    const skews = tellings.map(({ event, deliveries }) => timestampOf(deliveries[0]?.body ?? '') - event.atMs);
    expect(skews.slice(0, 100)).toEqual(skews.slice(100));
    expect(new Set(skews).size).toBeGreaterThan(8);
    for (const skew of skews) expect(Math.abs(skew)).toBeLessThanOrEqual(500);
  });

  it('sends in bursts', () => {
    const times = new Set(
      told({ burstMs: 250 }, many(1_000)).flatMap(({ deliveries }) => deliveries.map(({ sendAtMs }) => sendAtMs)),
    );
    expect([...times].map((ms) => ms % 250)).toEqual([0, 0, 0, 0, 0].slice(0, times.size));
    expect(times.size).toBeLessThanOrEqual(5);
  });
});
