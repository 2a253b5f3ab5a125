// Tests the scoring with a perfect receiver, with receivers that are wrong in a known way, and with hand-written cases.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Announcement } from '../../simulator/judge/announcement.js';
import { quantile, type Sample, scoreOf } from '../../simulator/judge/score.js';
import { type EndKind, Truth } from '../../simulator/judge/truth.js';

const GRACE_MS = 15_000;
const DELIVERY_MS = 2_000;
const ALLOWANCE = { graceMs: GRACE_MS, deliveryMs: DELIVERY_MS };

type Step = [atMs: number, device: string, what: 'connect' | 'leave' | 'lose' | 'leave, reported as a loss'];

const END_KINDS: Record<Exclude<Step[2], 'connect'>, EndKind> = {
  leave: 'left',
  lose: 'lost',
  'leave, reported as a loss': 'leftUnreported',
};

function truthOf(...steps: Step[]): Truth {
  const truth = new Truth(GRACE_MS);
  for (const [atMs, device, what] of steps) {
    if (what === 'connect') truth.connect('p', device, atMs);
    else truth.end('p', device, atMs, END_KINDS[what]);
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
  const score = scoreOf(truth, { samples: [], announcements, untilMs }, ALLOWANCE);
  const { transitions, neverHappened, late, missed } = score;
  return { transitions, neverHappened, missed, ...(late > 0 && { late }) };
}

describe('the truth', () => {
  it('is one stay with an interruption after a short loss', () => {
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

  it('is two stays after a long loss or any leave, however short', () => {
    const long = truthOf([0, 'd1', 'connect'], [5_000, 'd1', 'lose'], [30_000, 'd1', 'connect']);
    expect(long.staysOf('p')).toEqual([
      { fromMs: 0, interruptions: [], end: { atMs: 5_000, finalAtMs: 20_000 } },
      { fromMs: 30_000, interruptions: [] },
    ]);
    const reload = truthOf([0, 'd1', 'connect'], [5_000, 'd1', 'leave'], [5_500, 'd2', 'connect']);
    expect(reload.staysOf('p')).toHaveLength(2);
  });

  it('is one stay as long as any device is connected', () => {
    const truth = truthOf([0, 'd1', 'connect'], [5, 'd2', 'connect'], [10, 'd1', 'leave'], [20, 'd2', 'lose']);
    expect(truth.staysOf('p')).toEqual([{ fromMs: 0, interruptions: [], end: { atMs: 20, finalAtMs: 15_020 } }]);
  });
});

describe('the truth about a lost device', () => {
  it('keeps the departure open during the grace period, even after another device has left', () => {
    const truth = truthOf(
      [0, 'd1', 'connect'],
      [5_000, 'd1', 'lose'],
      [8_000, 'd2', 'connect'],
      [10_000, 'd2', 'leave'],
    );
    expect(truth.staysOf('p')).toMatchObject([{ end: { atMs: 10_000, finalAtMs: 20_000 } }]);
  });

  it('no longer affects the departure after the grace period', () => {
    const later = truthOf(
      [0, 'd1', 'connect'],
      [5_000, 'd1', 'lose'],
      [8_000, 'd2', 'connect'],
      [50_000, 'd2', 'leave'],
    );
    expect(later.staysOf('p')).toMatchObject([{ end: { atMs: 50_000, finalAtMs: 50_000 } }]);
  });

  it('no longer affects the departure after the device has returned', () => {
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
  const unreported = truthOf([10_000, 'd1', 'connect'], [60_000, 'd1', 'leave, reported as a loss']);
  const blip = truthOf([10_000, 'd1', 'connect'], [30_000, 'd1', 'lose'], [35_000, 'd1', 'connect']);

  it.each([
    ['before the arrival', stay, sample(9_000, true), {}],
    ['connected, and reported as connected', stay, sample(30_000, true), { right: 1 }],
    ['just connected, not yet reported', stay, sample(11_999, false), { waiting: 1 }],
    ['connected, but not reported', stay, sample(12_000, false), { wronglyGone: 1 }],
    ['left, and reported as gone', stay, sample(60_000, false), { right: 1 }],
    ['just left, not yet reported', stay, sample(61_999, true), { waiting: 1 }],
    ['left, but not reported', stay, sample(62_000, true), { wronglyConnected: 1 }],
    ['lost, within the grace period', loss, sample(76_999, true), { waiting: 1 }],
    ['lost, after the grace period', loss, sample(77_000, true), { wronglyConnected: 1 }],
    ['left, sent as a loss, reported as gone', unreported, sample(60_000, false), { right: 1 }],
    ['left, sent as a loss, within the grace period', unreported, sample(76_999, true), { waiting: 1 }],
    ['left, sent as a loss, after the grace period', unreported, sample(77_000, true), { wronglyConnected: 1 }],
    ['interrupted, reported as gone', blip, sample(32_000, false), { right: 1 }],
    ['interrupted, reported as connected', blip, sample(32_000, true), { right: 1 }],
    ['just returned, not yet reported', blip, sample(36_999, false), { waiting: 1 }],
    ['returned, but not reported', blip, sample(37_000, false), { wronglyGone: 1 }],
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

  it('match real transitions', () => {
    expect(announcedOf(blip, came(50), gone(40_100))).toEqual({ transitions: 2, neverHappened: 0, missed: 0 });
  });

  it('of a departure that was only an interruption never happened', () => {
    expect(announcedOf(blip, came(50), gone(5_010), came(8_010), gone(40_100))).toEqual({
      transitions: 2,
      neverHappened: 2,
      missed: 0,
    });
  });

  it('that are absent or too late count as missed', () => {
    expect(announcedOf(blip, came(50))).toEqual({ transitions: 2, neverHappened: 0, missed: 1 });
    expect(announcedOf(blip, came(2_001), gone(40_000))).toEqual({
      transitions: 2,
      neverHappened: 0,
      missed: 1,
      late: 1,
    });
  });

  it('count as never happened when made after that state is over, or made twice', () => {
    const twice = truthOf([0, 'd1', 'connect'], [5_000, 'd1', 'lose'], [60_000, 'd1', 'connect']);
    const late = announcedOf(twice, came(0), gone(50_000), came(60_000));
    expect(late).toEqual({ transitions: 3, neverHappened: 0, missed: 1, late: 1 });
    const over = announcedOf(twice, came(0), gone(62_001), came(62_002));
    expect(over).toEqual({ transitions: 3, neverHappened: 1, missed: 2, late: 1 });
    const again = announcedOf(twice, came(0), gone(50_000), gone(51_000), came(60_000));
    expect(again).toEqual({ transitions: 3, neverHappened: 1, missed: 1, late: 1 });
  });

  it('of a short absence after a leave that was reported as a loss: both or neither', () => {
    const back = truthOf(
      [0, 'd1', 'connect'],
      [30_000, 'd1', 'leave, reported as a loss'],
      [30_500, 'd2', 'connect'],
      [60_000, 'd2', 'leave'],
    );
    const whole = announcedOf(back, came(0), gone(30_010), came(30_510), gone(60_000));
    expect(whole).toMatchObject({ neverHappened: 0, missed: 0 });
    expect(announcedOf(back, came(0), gone(60_000))).toEqual({ transitions: 2, neverHappened: 0, missed: 0 });
  });

  it('that are not due when the observation ends do not count as missed', () => {
    const loss = truthOf([0, 'd1', 'connect'], [5_000, 'd1', 'lose']);
    const dueMs = 5_000 + GRACE_MS + DELIVERY_MS;
    expect(announcedUntil(dueMs - 1, loss, came(50))).toEqual({ transitions: 1, neverHappened: 0, missed: 0 });
    expect(announcedUntil(dueMs, loss, came(50))).toEqual({ transitions: 2, neverHappened: 0, missed: 1 });
  });

  it('of a reload may be made or omitted, but only both of them', () => {
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

  it('have the right delays', () => {
    const announcements = [came(50), gone(40_100)];
    const score = scoreOf(blip, { samples: [], announcements, untilMs: 60_000 }, ALLOWANCE);
    expect([score.arrivalDelaysMs, score.departureDelaysMs]).toEqual([[50], [100]]);
  });
});

describe('the score', () => {
  const step = fc.tuple(fc.integer({ min: 1, max: 40_000 }), fc.constantFrom('leave' as const, 'lose' as const));
  const history = fc.array(step, { minLength: 1, maxLength: 8 }).map((steps) => {
    let atMs = 0;
    return steps.flatMap(([gapMs, what], index): Step[] => {
      const connectAtMs = atMs + gapMs;
      atMs = connectAtMs + 20_000;
      return [
        [connectAtMs, `d${index}`, 'connect'],
        [atMs, `d${index}`, what],
      ];
    });
  });
  /** The observations of a receiver that reports and announces everything correctly, `lateMs` late. */
  const observationsOf = (truth: Truth, lateMs: number) => {
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

  it('has no errors for a perfect receiver, whether immediate or as late as allowed', () => {
    fc.assert(
      fc.property(history, fc.nat(DELIVERY_MS), (steps, lateMs) => {
        const truth = truthOf(...steps);
        const score = scoreOf(truth, observationsOf(truth, lateMs), ALLOWANCE);
        expect(score).toMatchObject({ neverHappened: 0, missed: 0, marks: { wronglyConnected: 0, wronglyGone: 0 } });
        if (lateMs === 0) expect(score.marks.waiting).toBe(0);
      }),
    );
  });

  it('counts all errors of a receiver that never received anything', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const truth = truthOf(...steps);
        const { samples, untilMs } = observationsOf(truth, 0);
        const allAbsent = samples.map(({ atMs }) => sample(atMs, false));
        const silence = { samples: allAbsent, announcements: [], untilMs };
        const { marks, missed, transitions } = scoreOf(truth, silence, ALLOWANCE);
        expect(marks.wronglyConnected).toBe(0);
        expect(marks.wronglyGone).toBeGreaterThan(0);
        expect(missed).toBe(transitions);
      }),
    );
  });
});

describe('quantile', () => {
  it('returns one of the values, or undefined if there are none', () => {
    expect([0, 0.5, 0.99, 1].map((share) => quantile([1, 2, 3, 4], share))).toEqual([1, 3, 4, 4]);
    expect(quantile([], 0.5)).toBeUndefined();
  });
});
