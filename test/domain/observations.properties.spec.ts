// Observations, the answers of the provider's API, are events like all others: presence is a function of their set.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { LifecycleEvent } from '../../src/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import type { PresencePolicy } from '../../src/domain/policy.js';
import { lengthOf } from '../length.js';
import { connected, observed } from './builders.js';
import { type Delivery, deliveriesOf, expectedView, histories, policies, START_MS } from './histories.js';

const MANY = { numRuns: lengthOf(75, 2_000) };
const DEVICES = ['d1', 'd2'];
/** An answer is about the devices that are known when it comes. */
const KNOWN = DEVICES.map((device) => connected({ device, at: START_MS }));

const answers = (maxPerDevice: number) =>
  fc
    .array(
      fc.record({
        device: fc.constantFrom(...DEVICES),
        kind: fc.constantFrom('seen' as const, 'unseen' as const),
        askedAt: fc.nat(160).map((n) => START_MS + n * 500),
        latencyMs: fc.constantFrom(0, 200, 500),
      }),
      { maxLength: maxPerDevice * DEVICES.length },
    )
    .map((all) =>
      DEVICES.flatMap((id) =>
        all
          .filter(({ device }) => device === id)
          .slice(0, maxPerDevice)
          .map(({ kind, ...parts }) => observed(kind, parts)),
      ),
    );

const delivered = (maxAnswers: number) =>
  fc
    .tuple(histories({ devices: 2, perDevice: 6 }), answers(maxAnswers))
    .chain(([events, seen]) =>
      fc.tuple(fc.constant([...events, ...seen]), deliveriesOf([...events, ...seen]), policies),
    );

function deliver(deliveries: readonly Delivery[], policy: PresencePolicy): ParticipantRecord | undefined {
  const first = { events: KNOWN, nowMs: START_MS };
  return [first, ...deliveries].reduce<ParticipantRecord | undefined>(
    (record, { events, nowMs }) => advance(record, events, nowMs, policy).record,
    undefined,
  );
}

const statesOf = ({ state, devices }: { state: string; devices: readonly { deviceId: string; state: string }[] }) => ({
  state,
  devices: Object.fromEntries(devices.map((device) => [device.deviceId, device.state])),
});

function endOf(deliveries: readonly Delivery[], extraMs: number): Delivery {
  return { events: [], nowMs: (deliveries.at(-1)?.nowMs ?? 0) + extraMs };
}

const waits = fc.constantFrom(0, 500, 30_000, 600_000);

describe('presence with observations', () => {
  it('is a function of the set of events, the clock and the policy', () => {
    fc.assert(
      fc.property(delivered(2), waits, ([events, deliveries, policy], extraMs) => {
        const end = endOf(deliveries, extraMs);
        const record = deliver([...deliveries, end], policy);
        expect(record?.announced).toEqual(expectedView([...KNOWN, ...events], policy, end.nowMs));
      }),
      MANY,
    );
  });

  it('has the same states with a run of equal answers, of which few are kept', () => {
    const run = fc.tuple(fc.constantFrom('seen' as const, 'unseen' as const), fc.integer({ min: 3, max: 40 }));
    fc.assert(
      fc.property(delivered(2), run, ([events, deliveries, policy], [kind, count]) => {
        const startMs = Math.max(endOf(deliveries, 0).nowMs, START_MS + 500_000);
        const answered = Array.from({ length: count }, (_, n) => observed(kind, { askedAt: startMs + n * 60_000 }));
        const polls = answered.map((answer) => ({ events: [answer], nowMs: answer.receivedAtMs }));
        const record = deliver([...deliveries, ...polls], policy);
        const lastMs = polls.at(-1)?.nowMs ?? 0;
        const all = [...KNOWN, ...events, ...answered];
        expect(record && statesOf(record.announced)).toEqual(statesOf(expectedView(all, policy, lastMs)));
        const kept = [...(record?.devices.values() ?? [])].flatMap((device) =>
          device.events.map((event) => event.kind),
        );
        // Answers that are further apart than the longest connection are all needed.
        const areClose = policy.maxConnectionMs > count * 60_000;
        if (areClose) expect(kept.join(' ')).not.toMatch(/(\bseen ?){5}|(\bunseen ?){5}/);
      }),
      MANY,
    );
  });

  it('is the same after a connect or a leave, whatever an answer of before it was', () => {
    const lastAtMs = START_MS + 90_000;
    const kinds = fc.constantFrom('connected' as const, 'left' as const);
    fc.assert(
      fc.property(delivered(3), kinds, ([events, , policy], kind) => {
        const last: LifecycleEvent = {
          ...KNOWN[0],
          kind,
          occurredAtMs: lastAtMs,
          receivedAtMs: lastAtMs,
        } as LifecycleEvent;
        const stateOf = (all: readonly LifecycleEvent[]) => {
          const { devices } = expectedView([...KNOWN, ...all, last], policy, lastAtMs + 400_000);
          return devices.find(({ deviceId }) => deviceId === last.deviceId)?.state;
        };
        fc.pre(policy.devicesAtOnce === 'many');
        const after = advance(undefined, [...KNOWN, ...events, last], lastAtMs + 400_000, policy).record;
        const device = after?.announced.devices.find(({ deviceId }) => deviceId === last.deviceId);
        expect(device?.state).toBe(stateOf(events.filter(({ askedAtMs }) => askedAtMs === undefined)));
      }),
      MANY,
    );
  });
});
