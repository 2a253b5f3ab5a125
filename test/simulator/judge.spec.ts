// The judge is judged: by a receiver that knows everything at once, by ones that are wrong in a known way, by hand.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Announcement, quantile, type Sample, scoreOf } from '../../simulator/judge/score.js';
import { Truth } from '../../simulator/judge/truth.js';

const GRACE_MS = 15_000;
const TELLING_MS = 2_000;
const ALLOWANCE = { graceMs: GRACE_MS, deliveryMs: TELLING_MS };

type Happening = [atMs: number, device: string, what: 'connect' | 'leave' | 'lose'];

function truthOf(...happenings: Happening[]): Truth {
  const truth = new Truth(GRACE_MS);
  for (const [atMs, device, what] of happenings) {
    if (what === 'connect') truth.connect('p', device, atMs);
    else truth.end('p', device, atMs, what === 'leave');
  }
  return truth;
}

const sample = (atMs: number, isPresent: boolean): Sample => ({ atMs, present: new Set(isPresent ? ['p'] : []) });
const came = (atMs: number): Announcement => ({ participantId: 'p', what: 'came', atMs });
const gone = (atMs: number): Announcement => ({ participantId: 'p', what: 'gone', atMs });

function marksOf(truth: Truth, ...samples: Sample[]) {
  return scoreOf(truth, { samples, announcements: [], untilMs: Number.POSITIVE_INFINITY }, ALLOWANCE).marks;
}

function announcedOf(truth: Truth, ...announcements: Announcement[]) {
  return announcedUntil(Number.POSITIVE_INFINITY, truth, ...announcements);
}

function announcedUntil(untilMs: number, truth: Truth, ...announcements: Announcement[]) {
  const { transitions, neverHappened, missed } = scoreOf(truth, { samples: [], announcements, untilMs }, ALLOWANCE);
  return { transitions, neverHappened, missed };
}

describe('the truth', () => {
  it('is one stay through a short loss, with an interruption', () => {
    const truth = truthOf(
      [0, 'd1', 'connect'],
      [5_000, 'd1', 'lose'],
      [8_000, 'd1', 'connect'],
      [20_000, 'd1', 'leave'],
    );
    expect(truth.staysOf('p')).toEqual([
      { fromMs: 0, interruptions: [{ fromMs: 5_000, toMs: 8_000 }], end: { atMs: 20_000, finalAtMs: 20_000 } },
    ]);
  });

  it('is two stays around a long loss, or a leave however short', () => {
    const long = truthOf([0, 'd1', 'connect'], [5_000, 'd1', 'lose'], [30_000, 'd1', 'connect']);
    expect(long.staysOf('p')).toEqual([
      { fromMs: 0, interruptions: [], end: { atMs: 5_000, finalAtMs: 20_000 } },
      { fromMs: 30_000, interruptions: [] },
    ]);
    const reload = truthOf([0, 'd1', 'connect'], [5_000, 'd1', 'leave'], [5_500, 'd2', 'connect']);
    expect(reload.staysOf('p')).toHaveLength(2);
  });

  it('is present as long as any device is', () => {
    const truth = truthOf([0, 'd1', 'connect'], [5, 'd2', 'connect'], [10, 'd1', 'leave'], [20, 'd2', 'lose']);
    expect(truth.staysOf('p')).toEqual([{ fromMs: 0, interruptions: [], end: { atMs: 20, finalAtMs: 15_020 } }]);
  });
});

describe('the truth of a device that was lost', () => {
  it('is that it may come back, also after another one has left', () => {
    const truth = truthOf(
      [0, 'd1', 'connect'],
      [5_000, 'd1', 'lose'],
      [8_000, 'd2', 'connect'],
      [10_000, 'd2', 'leave'],
    );
    expect(truth.staysOf('p')).toMatchObject([{ end: { atMs: 10_000, finalAtMs: 20_000 } }]);
  });

  it('is over when it was', () => {
    const later = truthOf(
      [0, 'd1', 'connect'],
      [5_000, 'd1', 'lose'],
      [8_000, 'd2', 'connect'],
      [50_000, 'd2', 'leave'],
    );
    expect(later.staysOf('p')).toMatchObject([{ end: { atMs: 50_000, finalAtMs: 50_000 } }]);
  });

  it('is over when it came back', () => {
    const truth = truthOf(
      [0, 'd1', 'connect'],
      [5_000, 'd1', 'lose'],
      [8_000, 'd1', 'connect'],
      [10_000, 'd1', 'leave'],
    );
    expect(truth.staysOf('p')).toMatchObject([{ end: { atMs: 10_000, finalAtMs: 10_000 } }]);
  });
});

describe('answers', () => {
  const stay = truthOf([10_000, 'd1', 'connect'], [60_000, 'd1', 'leave']);
  const loss = truthOf([10_000, 'd1', 'connect'], [60_000, 'd1', 'lose']);
  const blip = truthOf([10_000, 'd1', 'connect'], [30_000, 'd1', 'lose'], [35_000, 'd1', 'connect']);

  it.each([
    ['before anybody came', stay, sample(9_000, true), {}],
    ['connected, and said so', stay, sample(30_000, true), { right: 1 }],
    ['connected just now, not yet said so', stay, sample(12_000, false), { waiting: 1 }],
    ['connected, and not said so', stay, sample(12_001, false), { wronglyGone: 1 }],
    ['left, and said so', stay, sample(60_000, false), { right: 1 }],
    ['left just now, not yet said so', stay, sample(62_000, true), { waiting: 1 }],
    ['left, and not said so', stay, sample(62_001, true), { wronglyConnected: 1 }],
    ['lost, within grace', loss, sample(77_000, true), { waiting: 1 }],
    ['lost, beyond grace', loss, sample(77_001, true), { wronglyConnected: 1 }],
    ['interrupted, said to be gone', blip, sample(32_000, false), { right: 1 }],
    ['interrupted, said to be there', blip, sample(32_000, true), { right: 1 }],
    ['back just now, not yet said so', blip, sample(37_000, false), { waiting: 1 }],
    ['back, and not said so', blip, sample(37_001, false), { wronglyGone: 1 }],
  ])('%s', (_, truth, one, expected) => {
    expect(marksOf(truth, one)).toEqual({ right: 0, waiting: 0, wronglyConnected: 0, wronglyGone: 0, ...expected });
  });
});

describe('announcements', () => {
  const blip = truthOf([0, 'd1', 'connect'], [5_000, 'd1', 'lose'], [8_000, 'd1', 'connect'], [40_000, 'd1', 'leave']);
  const reload = truthOf(
    [0, 'd1', 'connect'],
    [30_000, 'd1', 'leave'],
    [30_500, 'd2', 'connect'],
    [60_000, 'd2', 'leave'],
  );

  it('of what happened are right', () => {
    expect(announcedOf(blip, came(50), gone(40_100))).toEqual({ transitions: 2, neverHappened: 0, missed: 0 });
  });

  it('of a going that was an interruption never happened', () => {
    expect(announcedOf(blip, came(50), gone(5_010), came(8_010), gone(40_100))).toEqual({
      transitions: 2,
      neverHappened: 2,
      missed: 0,
    });
  });

  it('that are not made, or too late, are missed', () => {
    expect(announcedOf(blip, came(50))).toEqual({ transitions: 2, neverHappened: 0, missed: 1 });
    expect(announcedOf(blip, came(2_001), gone(40_000))).toEqual({ transitions: 2, neverHappened: 1, missed: 1 });
  });

  it('that are not due when the observation ends are not missed', () => {
    const loss = truthOf([0, 'd1', 'connect'], [5_000, 'd1', 'lose']);
    const dueMs = 5_000 + GRACE_MS + TELLING_MS;
    expect(announcedUntil(dueMs - 1, loss, came(50))).toEqual({ transitions: 1, neverHappened: 0, missed: 0 });
    expect(announcedUntil(dueMs, loss, came(50))).toEqual({ transitions: 2, neverHappened: 0, missed: 1 });
  });

  it('of a reload may be made, or not, but whole', () => {
    expect(announcedOf(reload, came(0), gone(30_010), came(30_510), gone(60_000))).toMatchObject({
      neverHappened: 0,
      missed: 0,
    });
    expect(announcedOf(reload, came(0), gone(60_000))).toEqual({ transitions: 2, neverHappened: 0, missed: 0 });
    expect(announcedOf(reload, came(0), gone(30_600), gone(60_000))).toEqual({
      transitions: 3,
      neverHappened: 0,
      missed: 1,
    });
  });

  it('are as late as they are', () => {
    const announcements = [came(50), gone(40_100)];
    const score = scoreOf(blip, { samples: [], announcements, untilMs: 60_000 }, ALLOWANCE);
    expect([score.arrivalDelaysMs, score.departureDelaysMs]).toEqual([[50], [100]]);
  });
});

describe('the judge', () => {
  const step = fc.tuple(fc.integer({ min: 1, max: 40_000 }), fc.constantFrom('leave' as const, 'lose' as const));
  const history = fc.array(step, { minLength: 1, maxLength: 8 }).map((steps) => {
    let atMs = 0;
    return steps.flatMap(([gapMs, what], index): Happening[] => {
      const connectAtMs = atMs + gapMs;
      atMs = connectAtMs + 20_000;
      return [
        [connectAtMs, `d${index}`, 'connect'],
        [atMs, `d${index}`, what],
      ];
    });
  });
  /** Present from each stay's begin to its end, and all of it announced. */
  const testimonyOf = (truth: Truth, lateMs: number) => {
    const stays = truth
      .staysOf('p')
      .map(({ fromMs, end }) => ({ fromMs, toMs: end?.atMs ?? Number.POSITIVE_INFINITY }));
    const isPresent = (atMs: number) =>
      stays.some(({ fromMs, toMs }) => fromMs <= atMs - lateMs && atMs - lateMs < toMs);
    return {
      samples: Array.from({ length: 500 }, (_, n) => sample(n * 1_000 + 7, isPresent(n * 1_000 + 7))),
      untilMs: Number.POSITIVE_INFINITY,
      announcements: stays.flatMap(({ fromMs, toMs }) =>
        toMs === Number.POSITIVE_INFINITY ? [came(fromMs + lateMs)] : [came(fromMs + lateMs), gone(toMs + lateMs)],
      ),
    };
  };

  it('finds nothing wrong with who knows everything, at once or as late as may be', () => {
    fc.assert(
      fc.property(history, fc.nat(TELLING_MS), (happenings, lateMs) => {
        const truth = truthOf(...happenings);
        const score = scoreOf(truth, testimonyOf(truth, lateMs), ALLOWANCE);
        expect(score).toMatchObject({ neverHappened: 0, missed: 0, marks: { wronglyConnected: 0, wronglyGone: 0 } });
        if (lateMs === 0) expect(score.marks.waiting).toBe(0);
      }),
    );
  });

  it('counts what who never heard of anybody is wrong about', () => {
    fc.assert(
      fc.property(history, (happenings) => {
        const truth = truthOf(...happenings);
        const { samples, untilMs } = testimonyOf(truth, 0);
        const deaf = samples.map(({ atMs }) => sample(atMs, false));
        const silence = { samples: deaf, announcements: [], untilMs };
        const { marks, missed, transitions } = scoreOf(truth, silence, ALLOWANCE);
        expect(marks.wronglyConnected).toBe(0);
        expect(marks.wronglyGone).toBeGreaterThan(0);
        expect(missed).toBe(transitions);
      }),
    );
  });
});

describe('quantile', () => {
  it('is one of the values, or none', () => {
    expect([0, 0.5, 0.99, 1].map((share) => quantile([1, 2, 3, 4], share))).toEqual([1, 3, 4, 4]);
    expect(quantile([], 0.5)).toBeUndefined();
  });
});
