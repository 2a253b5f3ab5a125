// Runs of every scenario with any options, in virtual time: they end on time, and are scored only by what was due.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { deliver, settlingMs } from '../../simulator/callback-run.js';
import type { Announcement } from '../../simulator/judge/announcement.js';
import { type Sample, scoreOf } from '../../simulator/judge/score.js';
import { type Stay, Truth } from '../../simulator/judge/truth.js';
import { stageOf } from '../../simulator/options.js';
import { recordStep } from '../../simulator/played-step.js';
import { SCENARIOS } from '../../simulator/scenarios/scenarios.js';
import { Tally } from '../../simulator/tally.js';
import { type ChaosPolicy, maxDeliveryDelayMs } from '../../simulator/webhooks/chaos.js';
import { Dispatcher } from '../../simulator/webhooks/dispatcher.js';
import { lengthOf } from '../length.js';
import { NO_CHAOS, ONE_ATTEMPT } from './settings.js';
import { VirtualClock } from './virtual-clock.js';

const GRACE_MS = 15_000;
const DELIVERY_MS = 2_000;

const share = fc.double({ min: 0, max: 1, noNaN: true });
const chaosPolicy: fc.Arbitrary<ChaosPolicy> = fc.record({
  lossShare: share,
  duplicateShare: share,
  delayMs: fc.nat(60_000),
  reorderShare: share,
  reorderWithinMs: fc.nat(60_000),
  skewMs: fc.nat(1_000),
  clockOffsetMs: fc.integer({ min: -30_000, max: 30_000 }),
  overlapShare: share,
  overlapWithinMs: fc.nat(60_000),
  burstMs: fc.nat(60_000),
});
/** One of the options, both of them in a valid combination, or neither. */
const runFlags = fc
  .record({
    participants: fc.integer({ min: 1, max: 10 }),
    seconds: fc.option(fc.integer({ min: 1, max: 120 }), { nil: undefined }),
    rate: fc.option(fc.double({ min: 0.05, max: 50, noNaN: true }), { nil: undefined }),
  })
  .map((flags) => {
    const minRate = flags.participants / (0.4 * (flags.seconds ?? 86_400));
    return { ...flags, ...(flags.rate !== undefined && { rate: Math.max(flags.rate, minRate * 1.01) }) };
  });
const run = fc.record({ scenario: fc.constantFrom(...SCENARIOS.values()), seed: fc.integer(), flags: runFlags });

type Run = typeof run extends fc.Arbitrary<infer Value> ? Value : never;

async function play({ scenario, seed, flags }: Run, chaos: ChaosPolicy, latencyMs: number) {
  const clock = new VirtualClock();
  const startMs = clock.now();
  const stage = stageOf(flags, scenario);
  const truth = new Truth(GRACE_MS);
  const stepsMs: number[] = [];
  const sentMs: number[] = [];
  const outcome = await clock.run(
    deliver(
      {
        run: { scenario, seed, ...stage },
        chaos,
        signal: new AbortController().signal,
        onStep: (step) => {
          stepsMs.push(step.cue.atMs);
          recordStep(truth, step);
        },
      },
      async ({ event }) => {
        expect(clock.now()).toBeGreaterThanOrEqual(event.atMs);
        sentMs.push(clock.now());
        await new Promise<void>((resolve) => void clock.after(latencyMs, resolve));
        return { status: 204, attempts: 1, elapsedMs: latencyMs };
      },
      clock,
    ),
  );
  return { ...outcome, truth, startMs, endMs: startMs + stage.durationMs, stoppedMs: clock.now(), stepsMs, sentMs };
}

describe('a run of any scenario', () => {
  it('takes its steps within its duration, sends delayed webhooks within the settling time, and never falls behind', async () => {
    await fc.assert(
      fc.asyncProperty(run, chaosPolicy, fc.nat(1_000), async (some, chaos, latencyMs) => {
        const played = await play(some, chaos, latencyMs);
        const { tally, behindMs, wasFull, startMs, endMs, stoppedMs, stepsMs, sentMs } = played;
        expect(Math.min(...stepsMs)).toBeGreaterThanOrEqual(startMs);
        expect(Math.max(...stepsMs)).toBeLessThanOrEqual(endMs);
        expect(Math.max(endMs, ...sentMs) - endMs).toBeLessThanOrEqual(maxDeliveryDelayMs(chaos));
        expect(stoppedMs - endMs).toBeLessThanOrEqual(settlingMs(chaos, { ...ONE_ATTEMPT, timeoutMs: 1_000 }));
        expect({ behindMs, wasFull }).toEqual({ behindMs: 0, wasFull: false });
        expect(tally).toMatchObject({ came: some.flags.participants, connected: 0, sent: sentMs.length, refused: 0 });
      }),
      { numRuns: lengthOf(100, 1_000) },
    );
  });

  it('sends every webhook when its event happens if there is no chaos', async () => {
    await fc.assert(
      fc.asyncProperty(run, async (some) => {
        const { endMs, stoppedMs } = await play(some, NO_CHAOS, 0);
        expect(stoppedMs).toBeLessThanOrEqual(endMs);
      }),
    );
  });
});

describe('the summary of a run', () => {
  it('measures the time until the last response, whenever it is requested', () => {
    const clock = new VirtualClock();
    const tally = new Tally(clock);
    clock.pass(5_000);
    tally.addResponse({ status: 204, attempts: 1, elapsedMs: 1 });
    clock.pass(60_000);
    expect(tally.describe({ behindMs: 0, wasFull: false })).toContain('1 in 5.0 s (0 per second)');
    expect(new Tally(clock).describe({ behindMs: 0, wasFull: false })).toContain('0 in 0.0 s (0 per second)');
  });

  it('reports why the run fell behind', () => {
    const tally = new Tally(new VirtualClock());
    expect(tally.describe({ behindMs: 900, wasFull: false })).not.toContain('behind');
    expect(tally.describe({ behindMs: 2_000, wasFull: false })).toContain(
      '2.0 s: the receiver, or this machine, is slower',
    );
    expect(tally.describe({ behindMs: 2_000, wasFull: true })).toContain('2.0 s: more delayed webhooks than');
  });
});

describe('the score of any run', () => {
  const goneMs = ({ end }: Stay, waits: boolean) => (waits ? end?.finalAtMs : end?.atMs) ?? Number.POSITIVE_INFINITY;

  /** The observations of a perfect receiver that is `lateMs` late. `waits`: whether it reports a loss only after the grace period. */
  function observationsOf(
    truth: Truth,
    { fromMs, untilMs }: { fromMs: number; untilMs: number },
    lateMs: number,
    waits: boolean,
  ) {
    const all = [...truth.participantIds].map((participantId) => ({
      participantId,
      stays: truth.staysOf(participantId),
    }));
    const isPresent = (stays: readonly Stay[], atMs: number) =>
      stays.some((stay) => stay.fromMs + lateMs <= atMs && atMs < goneMs(stay, waits) + lateMs);
    const samples: Sample[] = [];
    for (let atMs = fromMs; atMs <= untilMs; atMs += 1_000) {
      const present = all.filter(({ stays }) => isPresent(stays, atMs)).map(({ participantId }) => participantId);
      samples.push({ atMs, present: new Set(present) });
    }
    const announcements = all
      .flatMap(({ participantId, stays }) =>
        stays.flatMap((stay): Announcement[] => [
          { participantId, what: 'came', atMs: stay.fromMs + lateMs },
          { participantId, what: 'gone', atMs: goneMs(stay, waits) + lateMs },
        ]),
      )
      .filter(({ atMs }) => atMs <= untilMs);
    return { samples, announcements, untilMs };
  }

  it('does not count what is not yet due, whenever the observation ends', async () => {
    await fc.assert(
      fc.asyncProperty(
        run,
        fc.nat(200_000),
        fc.nat(DELIVERY_MS),
        fc.boolean(),
        async (some, observedMs, lateMs, waits) => {
          const { truth, startMs } = await play(some, NO_CHAOS, 0);
          const period = { fromMs: startMs, untilMs: startMs + observedMs };
          const score = scoreOf(truth, observationsOf(truth, period, lateMs, waits), {
            graceMs: GRACE_MS,
            deliveryMs: DELIVERY_MS,
          });
          expect(score).toMatchObject({ neverHappened: 0, missed: 0, marks: { wronglyConnected: 0, wronglyGone: 0 } });
        },
      ),
      { numRuns: lengthOf(100, 1_000) },
    );
  });
});

describe('a run with too many delayed webhooks', () => {
  it('reports that it is held up by the delays, not by the receiver', async () => {
    const clock = new VirtualClock();
    const sendAtMs = clock.now() + 600_000;
    const answer = { status: 204, attempts: 1, elapsedMs: 1 };
    const dispatcher = new Dispatcher<{ sendAtMs: number }>(
      async () => answer,
      1,
      () => {},
      clock,
    );
    for (let n = 0; n < 99_999; n += 1) dispatcher.add({ sendAtMs });
    await dispatcher.room();
    expect(dispatcher.wasFull).toBe(false);
    dispatcher.add({ sendAtMs });
    const room = dispatcher.room();
    expect(dispatcher.wasFull).toBe(true);
    dispatcher.stop();
    await room;
  });
});
