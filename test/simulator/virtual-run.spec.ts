// Tests that a run in virtual time equals one in real time, and how wrong answers are explained.
import { describe, expect, it } from '@jest/globals';
import { deliver } from '../../simulator/callback-run.js';
import { Truth } from '../../simulator/judge/truth.js';
import { causeOf, unreportedOf } from '../../simulator/judge/unreported.js';
import { type PlayedStep, recordStep } from '../../simulator/played-step.js';
import { SCENARIOS } from '../../simulator/scenarios/scenarios.js';
import { timelineOf, virtualRunOf } from '../../simulator/virtual-run.js';
import type { ChaosPolicy } from '../../simulator/webhooks/chaos.js';
import { NO_CHAOS } from './settings.js';
import { VirtualClock } from './virtual-clock.js';

const GRACE_MS = 15_000;
const CHAOS: ChaosPolicy = {
  ...NO_CHAOS,
  lossShare: 0.1,
  duplicateShare: 0.1,
  delayMs: 100,
  reorderShare: 0.3,
  reorderWithinMs: 2_000,
  skewMs: 300,
  overlapShare: 0.2,
  overlapWithinMs: 60_000,
};

describe.each([...SCENARIOS.values()].map((scenario) => [scenario.name, scenario] as const))(
  'a virtual run of %s',
  (_, scenario) => {
    const run = { scenario, seed: 7, participants: 40, durationMs: 90_000, arrivalMs: 30_000 };

    it('has the truth and the deliveries of a run in real time', async () => {
      const clock = new VirtualClock();
      const startMs = clock.now();
      const truth = new Truth(GRACE_MS);
      const sent: string[] = [];
      const live = deliver(
        {
          run,
          chaos: CHAOS,
          signal: new AbortController().signal,
          onStep: (step) => recordStep(truth, step),
        },
        async ({ event, sendAtMs }) => {
          sent.push([event.participantId, event.kind, event.atMs - startMs, Math.round(sendAtMs - startMs)].join());
          return { status: 204, attempts: 1, elapsedMs: 1 };
        },
        clock,
      );
      await clock.run(live);
      const timeline = timelineOf(run);
      const virtualRun = virtualRunOf(timeline, CHAOS, GRACE_MS);
      const planned = virtualRun.participants.flatMap(({ deliveries }) =>
        deliveries.map(({ event, sendAtMs }) =>
          [
            event.participantId,
            event.kind,
            event.atMs - timeline.startMs,
            Math.round(sendAtMs - timeline.startMs),
          ].join(),
        ),
      );
      expect(planned.sort()).toEqual(sent.sort());
      const shifted = (one: Truth, byMs: number) =>
        [...one.participantIds].map((id) =>
          one.staysOf(id).map(({ fromMs, end }) => [fromMs - byMs, end && end.finalAtMs - byMs]),
        );
      expect(shifted(virtualRun.truth, timeline.startMs)).toEqual(shifted(truth, startMs));
    });

    it('has each participant’s deliveries in the order of arrival, all before the end', () => {
      const { participants, untilMs } = virtualRunOf(timelineOf(run), { ...CHAOS, overlapWithinMs: 5_000 }, GRACE_MS);
      expect(participants).toHaveLength(40);
      for (const { deliveries } of participants) {
        const timesMs = deliveries.map(({ sendAtMs }) => sendAtMs);
        expect(timesMs).toEqual(timesMs.toSorted((a, b) => a - b));
        expect(Math.max(0, ...timesMs)).toBeLessThan(untilMs);
      }
    });

    it('has the sockets as the provider knows them', () => {
      const timeline = timelineOf(run);
      for (const { participantId, sockets } of virtualRunOf(timeline, CHAOS, GRACE_MS).participants) {
        const own = timeline.steps.filter(({ ids }) => ids.participantId === participantId);
        const opened = own.filter(({ events }) => events[0]?.kind === 'onConnect');
        expect(sockets.map(({ openedAtMs }) => openedAtMs)).toEqual(opened.map(({ cue }) => cue.atMs));
        for (const { openedAtMs, noticedAtMs } of sockets) expect(noticedAtMs).toBeGreaterThanOrEqual(openedAtMs);
        const isReported = own.at(-1)?.events.length !== 0;
        expect(sockets.every(({ noticedAtMs }) => noticedAtMs < Number.POSITIVE_INFINITY)).toBe(isReported);
      }
    });
  },
);

describe('the cause of a wrong answer', () => {
  type Action = 'connect' | 'leave' | 'lose' | 'vanish';
  /** A step at 1 s among these of device 1, each event of which was lost or not. */
  function unreported(actions: readonly Action[], index: number, areLost: readonly boolean[], noticedAtMs = 1_000) {
    const steps = actions.map((action) => ({ atMs: 0, action, device: 1 }));
    const cue = { participant: 0, life: { tag: '', steps }, index, atMs: 1_000 };
    const plans = areLost.map((isLost) => ({ outcome: isLost ? 'lost' : 'sent', noticedAtMs }));
    return unreportedOf({ cue, plans } as unknown as PlayedStep).map(({ cause }) => cause);
  }

  it('is what was not reported', () => {
    expect(unreported(['connect'], 0, [true])).toEqual(['first connect of a device']);
    expect(unreported(['connect', 'lose', 'connect'], 2, [true])).toEqual(['return']);
    expect(unreported(['connect', 'lose', 'connect'], 1, [true])).toEqual(['loss before a return']);
    expect(unreported(['connect', 'lose'], 1, [true])).toEqual(['final loss']);
    expect(unreported(['connect', 'leave'], 1, [true, true])).toEqual(['leave']);
    expect(unreported(['connect', 'vanish'], 1, [])).toEqual(['vanished']);
    expect(unreported(['connect', 'lose', 'connect'], 1, [false], 2_000)).toEqual(['noticed late']);
  });

  it('is not what was reported by at least one of its events', () => {
    expect(unreported(['connect'], 0, [false])).toEqual([]);
    expect(unreported(['connect', 'leave'], 1, [true, false])).toEqual([]);
    expect(unreported(['connect', 'leave'], 1, [false, true])).toEqual([]);
  });

  it('is the newest event before it that explains such an answer', () => {
    const all = [
      { atMs: 1, cause: 'return' },
      { atMs: 2, cause: 'final loss' },
      { atMs: 3, cause: 'noticed late' },
      { atMs: 9, cause: 'leave' },
    ] as const;
    const period = { fromMs: 5, toMs: 20 };
    expect(causeOf({ ...period, mark: 'wronglyConnected' }, all)).toBe('final loss');
    expect(causeOf({ ...period, mark: 'wronglyGone' }, all)).toBe('return');
    expect(causeOf({ ...period, mark: 'wronglyGone' }, all.slice(1))).toBe('final loss');
    expect(causeOf({ ...period, mark: 'wronglyGone' }, all.slice(2))).toBe('noticed late');
    expect(causeOf({ ...period, mark: 'wronglyGone' }, all.slice(3))).toBe('nothing lost');
  });
});
