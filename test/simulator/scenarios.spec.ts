import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { randomOf } from '../../simulator/random.js';
import { play } from '../../simulator/scenarios/run.js';
import { type Life, LifeStory, type Scenario, type Stage } from '../../simulator/scenarios/scenario.js';
import { SCENARIOS } from '../../simulator/scenarios/scenarios.js';
import { eventsOf, idsOf, stepOf } from '../../simulator/scenarios/traffic.js';

const stage: Stage = { participants: 300, durationMs: 60_000, arrivalMs: 20_000 };
const scenarios = [...SCENARIOS.values()].map((scenario) => [scenario.name, scenario] as const);

/** In a run of the scenario's own length. */
function lives({ live, durationMs = stage.durationMs }: Scenario, seed = 1): Life[] {
  const own = { ...stage, durationMs, arrivalMs: durationMs / 3 };
  return Array.from({ length: stage.participants }, (_, n) => live(n, own, randomOf(seed, n + 1)));
}

/** Includes stages that no command allows: arrivals after the end, very short runs. */
const anyStage: fc.Arbitrary<Stage> = fc
  .record({
    participants: fc.integer({ min: 1, max: 1_000_000 }),
    durationMs: fc.oneof(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 1, max: 600_000 })),
    arrivalShare: fc.double({ min: 0, max: 2, noNaN: true }),
  })
  .map(({ arrivalShare, ...rest }) => ({ ...rest, arrivalMs: rest.durationMs * arrivalShare }));

/** The times in between in which no device is connected. */
function gaps(life: Life): { action: string; ms: number }[] {
  let connected = 0;
  return life.steps.flatMap(({ atMs, action }, index) => {
    connected += action === 'connect' ? 1 : -1;
    const next = life.steps[index + 1];
    return connected > 0 || !next ? [] : [{ action, ms: next.atMs - atMs }];
  });
}

describe.each(scenarios)('the scenario %s', (_, scenario) => {
  it('has lives that alternate between connecting and ending, and end within the run', () => {
    fc.assert(
      fc.property(anyStage, fc.integer(), fc.nat(999), (some, seed, n) => {
        const { steps } = scenario.live(n, some, randomOf(seed, n));
        expect(steps.length).toBeGreaterThan(0);
        expect(steps.length % 2).toBe(0);
        const connected = new Set<number>();
        const wrong = steps.filter(({ atMs, action, device }, index) => {
          const alternates = (action === 'connect') === !connected.has(device);
          if (action === 'connect') connected.add(device);
          else connected.delete(device);
          const isOneTooMany = scenario.devicesAtOnce === 'one' && connected.size > 1;
          return !alternates || isOneTooMany || atMs < (steps[index - 1]?.atMs ?? 0);
        });
        expect(wrong).toEqual([]);
        expect(steps.at(-1)?.atMs).toBeLessThanOrEqual(some.durationMs);
      }),
      { numRuns: 200 },
    );
  });

  it('is the same for the same seed', () => {
    expect(lives(scenario)).toEqual(lives(scenario));
    expect(lives(scenario, 2)).not.toEqual(lives(scenario));
  });

  it('has no absences close to 15 s, so that the truth is unambiguous', () => {
    const isClose = ({ ms }: { ms: number }) => ms >= 10_000 && ms <= 20_000;
    expect(lives(scenario).flatMap(gaps).filter(isClose)).toEqual([]);
  });
});

describe('the scenarios', () => {
  const livesOf = (name: string) => lives(SCENARIOS.get(name) as Scenario);
  const share = (count: number) => count / stage.participants;

  it('meeting: rooms of twenty, blips, reloads and leaves', () => {
    const all = livesOf('meeting');
    expect(new Set(all.map(({ tag }) => tag)).size).toBe(15);
    const inBetween = all.flatMap(gaps);
    expect(inBetween.filter(({ action }) => action === 'lose').length).toBeGreaterThan(20);
    expect(inBetween.filter(({ action }) => action === 'leave').length).toBeGreaterThan(10);
    expect(share(all.filter(({ steps }) => steps.at(-1)?.action === 'leave').length)).toBeGreaterThan(0.8);
  });

  it('contact-center: three overlapping shifts', () => {
    const shifts = [0, 1, 2].map((shift) => livesOf('contact-center').filter((_, n) => n % 3 === shift));
    const [first = [], second = []] = shifts;
    const lastGone = Math.max(...first.map(({ steps }) => steps.at(-1)?.atMs ?? 0));
    const firstCome = Math.min(...second.map(({ steps }) => steps[0]?.atMs ?? 0));
    expect(firstCome).toBeLessThan(lastGone);
    expect(Math.max(...first.map(({ steps }) => steps[0]?.atMs ?? 0))).toBeLessThan(5_000);
  });

  it('flaky-mobile: many losses per participant, some long, some with another device', () => {
    const all = livesOf('flaky-mobile');
    expect(all.flatMap(gaps).length / all.length).toBeGreaterThan(2);
    expect(all.flatMap(gaps).some(({ ms }) => ms > 20_000)).toBe(true);
    expect(all.some(({ steps }) => steps.some(({ device }) => device > 1))).toBe(true);
  });

  it('mass-drop: a region is lost within a second, and nearly all of it returns', () => {
    const region = livesOf('mass-drop').filter(({ tag }) => tag === 'region-east');
    const losses = region.map(({ steps }) => steps.find(({ action }) => action === 'lose')?.atMs ?? Number.NaN);
    expect(share(region.length)).toBeGreaterThan(0.6);
    expect(Math.max(...losses) - Math.min(...losses)).toBeLessThan(1_000);
    expect(region.filter((life) => gaps(life).length === 1).length / region.length).toBeGreaterThan(0.85);
  });

  it.each([1_000, 5_000, 15_000, 25_000])(
    'mass-drop: nearly all of the region returns even in a run of %i ms',
    (durationMs) => {
      const scenario = SCENARIOS.get('mass-drop') as Scenario;
      const some = { ...stage, durationMs, arrivalMs: durationMs / 3 };
      const all = Array.from({ length: stage.participants }, (_, n) => scenario.live(n, some, randomOf(1, n + 1)));
      const region = all.filter(({ tag }) => tag === 'region-east');
      expect(region.filter((life) => gaps(life).length === 1).length / region.length).toBeGreaterThan(0.85);
    },
  );

  it.each([
    ['shifts-24h', 8, 4],
    ['meetings-9h', 35 / 60, 1.7],
    ['phones-3h', 50 / 60, 23],
    ['ghosts-9h', 35 / 60, 1],
    ['two-devices-9h', 1, 2],
  ])('%s: lives of %d h on average, with %d absences', (name, hours, absences) => {
    const all = livesOf(name);
    const lengthsMs = all.map(({ steps }) => (steps.at(-1)?.atMs ?? 0) - (steps[0]?.atMs ?? 0));
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(lengthsMs) / 3_600_000 / hours).toBeGreaterThan(0.85);
    expect(mean(lengthsMs) / 3_600_000 / hours).toBeLessThan(1.15);
    expect(mean(all.map((life) => gaps(life).length)) / absences).toBeGreaterThan(0.8);
    expect(mean(all.map((life) => gaps(life).length)) / absences).toBeLessThan(1.25);
  });

  it('two-devices-9h: every second participant has two devices at once for a while', () => {
    const all = livesOf('two-devices-9h');
    expect(share(all.filter(({ steps }) => steps.some(({ device }) => device === 2)).length)).toBe(0.5);
  });

  it('ghosts: one in five participants vanishes', () => {
    const vanished = livesOf('ghosts').filter(({ steps }) => steps.at(-1)?.action === 'vanish');
    expect(share(vanished.length)).toBe(0.2);
  });
});

describe('a life', () => {
  it('ends on time, whatever the scenario requests', () => {
    const lost = new LifeStory(0, 100).stay(90).blip(50).stay(5).reload(5).end('leave');
    expect(lost.map(({ atMs, action }) => [atMs, action])).toEqual([
      [0, 'connect'],
      [90, 'lose'],
    ]);
    const late = new LifeStory(150, 100).stay(10).restart(5).end('vanish');
    expect(late.map(({ atMs, action }) => [atMs, action])).toEqual([
      [100, 'connect'],
      [100, 'vanish'],
    ]);
  });
});

describe('a run', () => {
  const short: Scenario = {
    name: 'short',
    summary: '',
    devicesAtOnce: 'one',
    live: (n) => ({
      tag: 't',
      steps: [
        { atMs: n % 50, action: 'connect', device: 1 },
        { atMs: 60, action: 'lose', device: 1 },
        { atMs: 80, action: 'connect', device: 1 },
        { atMs: 100, action: 'leave', device: 1 },
      ],
    }),
  };
  const options = { scenario: short, seed: 3, participants: 500, durationMs: 100, arrivalMs: 50 };

  it('takes each step of each life once, in chronological order and never early', async () => {
    const taken: string[] = [];
    const times: number[] = [];
    const startMs = Date.now();
    await play(options, {
      take: (cue) => {
        taken.push(`${cue.participant}/${cue.index}`);
        times.push(cue.atMs);
        expect(Date.now()).toBeGreaterThanOrEqual(startMs + stepOf(cue).atMs);
      },
      room: async () => {},
      signal: new AbortController().signal,
    });
    expect(new Set(taken).size).toBe(2_000);
    expect(taken).toHaveLength(2_000);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('waits for room, and then continues with the remaining steps later', async () => {
    let isFull = true;
    let count = 0;
    const blocked = new Promise<void>((resolve) => {
      setTimeout(() => {
        isFull = false;
        resolve();
      }, 300);
    });
    const behindMs = await play(options, {
      take: () => {
        count += 1;
      },
      room: () => (isFull && count === 700 ? blocked : Promise.resolve()),
      signal: new AbortController().signal,
    });
    expect(count).toBe(2_000);
    expect(behindMs).toBeGreaterThan(150);
  });

  it('ends when it is aborted', async () => {
    const stopping = new AbortController();
    let count = 0;
    await play(options, {
      take: () => {
        count += 1;
        if (count === 600) stopping.abort();
      },
      room: async () => {},
      signal: stopping.signal,
    });
    expect(count).toBe(600);
  });

  it('finds the return and the socket of each of several devices', () => {
    const steps = [
      { atMs: 0, action: 'connect', device: 1 },
      { atMs: 10, action: 'connect', device: 2 },
      { atMs: 20, action: 'lose', device: 1 },
      { atMs: 30, action: 'leave', device: 2 },
      { atMs: 40, action: 'connect', device: 1 },
    ] as const;
    const events = steps.flatMap(({ atMs }, index) => {
      const cue = { participant: 0, life: { tag: 't', steps }, index, atMs };
      return eventsOf(cue, idsOf(cue, 1));
    });
    expect(events.map(({ kind, socket, isBackAtMs }) => [kind, socket, isBackAtMs])).toEqual([
      ['onConnect', 1, undefined],
      ['onConnect', 2, undefined],
      ['onDisconnect', 1, 40],
      ['onLeave', 2, undefined],
      ['onDisconnect', 2, undefined],
      ['onConnect', 3, undefined],
    ]);
  });

  it('reports a leave with two events, a loss with one and its return time, and a vanish with none', async () => {
    const [life] = lives(SCENARIOS.get('ghosts') as Scenario);
    const cue = { participant: 0, life: life as Life, index: (life as Life).steps.length - 1, atMs: 1_000 };
    expect(eventsOf(cue, idsOf(cue, 1))).toEqual([]);
    const story = short.live(0, options, Math.random);
    const events = story.steps.flatMap(({ atMs }, index) => {
      const at = { participant: 0, life: story, index, atMs };
      return eventsOf(at, idsOf(at, 1));
    });
    expect(events.map(({ kind, atMs, socket, isBackAtMs }) => [kind, atMs, socket, isBackAtMs])).toEqual([
      ['onConnect', 0, 1, undefined],
      ['onDisconnect', 60, 1, 80],
      ['onConnect', 80, 2, undefined],
      ['onLeave', 100, 2, undefined],
      ['onDisconnect', 100, 2, undefined],
    ]);
    expect(new Set(events.map(({ participantId, deviceId, tag }) => [participantId, deviceId, tag].join())).size).toBe(
      1,
    );
  });
});
