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
  clockOffsetMs: fc.integer({ min: -30_000, max: 30_000 }),
  overlapShare: share,
  overlapWithinMs: fc.nat(60_000),
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

function plansOf(settings: Partial<ChaosPolicy>, of: readonly SignallingEvent[]) {
  const chaos = new Chaos({ ...NO_CHAOS, ...settings }, 7);
  return of.map((event) => chaos.plan(event));
}

const timestampOf = (body: string) => Number(JSON.parse(body).timestamp);

describe('chaos', () => {
  it('is reproducible for the same seed, and differs for another one', () => {
    fc.assert(
      fc.property(policy, events, fc.integer(), (settings, some, seed) => {
        const run = () => {
          const chaos = new Chaos(settings, seed);
          return some.map((event) => chaos.plan(event));
        };
        expect(run()).toEqual(run());
      }),
    );
    const outcomes = (seed: number) => {
      const chaos = new Chaos({ ...NO_CHAOS, lossShare: 0.5 }, seed);
      return many(64).map((event) => chaos.plan(event).outcome);
    };
    expect(outcomes(1)).not.toEqual(outcomes(2));
  });

  it('delivers an event zero, one or two times, never before it happens nor after the maximum delay', () => {
    fc.assert(
      fc.property(policy, events, fc.integer(), (settings, all, seed) => {
        const chaos = new Chaos(settings, seed);
        for (const event of all) {
          const { outcome, deliveries } = chaos.plan(event);
          expect(deliveries).toHaveLength({ lost: 0, sent: 1, duplicated: 2 }[outcome]);
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

  it('changes nothing when everything is disabled', () => {
    for (const { event, deliveries } of plansOf({}, many(100))) {
      expect(deliveries).toEqual([{ event, body: expect.any(String), sendAtMs: event.atMs }]);
      expect(timestampOf(deliveries[0]?.body ?? '')).toBe(event.atMs);
    }
  });

  it.each([
    ['loses', { lossShare: 0.1 }, 'lost'],
    ['duplicates', { duplicateShare: 0.1 }, 'duplicated'],
  ] as const)('%s the configured share of events', (_, settings, outcome) => {
    const count = plansOf(settings, many(10_000)).filter((plan) => plan.outcome === outcome).length;
    expect(count).toBeGreaterThan(850);
    expect(count).toBeLessThan(1_150);
  });

  it('delays by the configured mean', () => {
    const delays = plansOf({ delayMs: 200 }, many(10_000)).map(({ event, deliveries }) => {
      return (deliveries[0]?.sendAtMs ?? 0) - event.atMs;
    });
    const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
    expect(mean).toBeGreaterThan(185);
    expect(mean).toBeLessThan(215);
  });

  it('reorders events by holding some of them back', () => {
    const plans = plansOf({ reorderShare: 0.2, reorderWithinMs: 2_000 }, many(1_000));
    const order = plans
      .flatMap(({ deliveries }) => deliveries)
      .sort((a, b) => a.sendAtMs - b.sendAtMs)
      .map(({ event }) => event.atMs);
    expect(order).not.toEqual(order.toSorted((a, b) => a - b));
    expect(plans.filter(({ event, deliveries }) => deliveries[0]?.sendAtMs !== event.atMs).length).toBeLessThan(250);
  });

  it('reports a disconnect up to the set time after the reconnect, also one whose webhook is lost', () => {
    const isBackAtMs = T0 + 5_000;
    const late = { overlapShare: 1, overlapWithinMs: 60_000, lossShare: 0.5 };
    const plans = plansOf(late, many(200, { kind: 'onDisconnect', isBackAtMs }));
    const noticed = plans.map(({ noticedAtMs }) => noticedAtMs - isBackAtMs);
    expect(Math.min(...noticed)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...noticed)).toBeGreaterThan(50_000);
    expect(Math.max(...noticed)).toBeLessThanOrEqual(60_000);
    for (const { deliveries, noticedAtMs } of plans) {
      for (const { body } of deliveries) expect(timestampOf(body)).toBe(noticedAtMs);
    }
  });

  it('reports a loss only after the device has returned, if it returns', () => {
    const isBackAtMs = T0 + 5_000;
    for (const { deliveries } of plansOf({ overlapShare: 1 }, many(100, { kind: 'onDisconnect', isBackAtMs }))) {
      const { body, sendAtMs } = deliveries[0] ?? { body: '', sendAtMs: 0 };
      expect(timestampOf(body)).toBeGreaterThanOrEqual(isBackAtMs);
      expect(sendAtMs).toBe(timestampOf(body));
    }
    // The loss of a device that is away for longer is reported on time.
    const long = many(100, { kind: 'onDisconnect', isBackAtMs: T0 + 20_000 });
    for (const { event, deliveries } of plansOf({ overlapShare: 1 }, [
      ...long,
      ...many(100, { kind: 'onDisconnect' }),
    ])) {
      expect(deliveries[0]?.sendAtMs).toBe(event.atMs);
    }
  });

  it('gives each host its own clock error, which is the same for all events of a socket', () => {
    const plans = plansOf({ skewMs: 500 }, [...many(100), ...many(100, { kind: 'onLeave' })]);
    const skews = plans.map(({ event, deliveries }) => timestampOf(deliveries[0]?.body ?? '') - event.atMs);
    expect(skews.slice(0, 100)).toEqual(skews.slice(100));
    expect(new Set(skews).size).toBeGreaterThan(8);
    for (const skew of skews) expect(Math.abs(skew)).toBeLessThanOrEqual(500);
  });

  it('sets all clocks ahead, or behind', () => {
    for (const clockOffsetMs of [2_000, -30_000]) {
      for (const { event, deliveries } of plansOf({ clockOffsetMs }, many(100))) {
        expect(timestampOf(deliveries[0]?.body ?? '')).toBe(event.atMs + clockOffsetMs);
        expect(deliveries[0]?.sendAtMs).toBe(event.atMs);
      }
    }
  });

  it('sends in bursts', () => {
    const times = new Set(
      plansOf({ burstMs: 250 }, many(1_000)).flatMap(({ deliveries }) => deliveries.map(({ sendAtMs }) => sendAtMs)),
    );
    expect([...times].map((ms) => ms % 250)).toEqual([0, 0, 0, 0, 0].slice(0, times.size));
    expect(times.size).toBeLessThanOrEqual(5);
  });
});
