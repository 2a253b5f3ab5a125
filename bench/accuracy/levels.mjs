// The levels of chaos of the matrix.

const NONE = {
  lossShare: 0,
  duplicateShare: 0,
  delayMs: 30,
  reorderShare: 0,
  reorderWithinMs: 2_000,
  skewMs: 0,
  clockOffsetMs: 0,
  overlapShare: 0,
  overlapWithinMs: 5_000,
  burstMs: 0,
};
const DISORDER = { ...NONE, duplicateShare: 0.05, reorderShare: 0.2, overlapShare: 0.01 };
const LOSS = { ...DISORDER, lossShare: 0.01 };
const STORM = {
  ...DISORDER,
  lossShare: 0.05,
  duplicateShare: 0.1,
  reorderShare: 0.4,
  overlapShare: 0.05,
  skewMs: 300,
  burstMs: 1_000,
};

const level = (name, summary, chaos) => ({ name, summary, chaos });

export const BASIC_LEVELS = [
  level('calm', 'each webhook once, after 30 ms on average', NONE),
  level('disorder', '5 % duplicates, 20 % reordered within 2 s, 1 % overlapping reconnects, no loss', DISORDER),
  level('loss', 'the same, and 1 % is lost', LOSS),
  level(
    'storm',
    '5 % lost, 10 % duplicates, 40 % reordered within 2 s, 5 % overlapping reconnects, clocks wrong by up to 300 ms, bursts of 1 s',
    STORM,
  ),
];

const clocks = (name, summary, error) => level(name, `\`disorder\`, ${summary}`, { ...DISORDER, ...error });

/** Without loss, to show the effect of wrong clocks alone. */
export const CLOCK_LEVELS = [
  clocks('2 s ahead', 'the provider’s clock is 2 s ahead', { clockOffsetMs: 2_000 }),
  clocks('2 s behind', 'it is 2 s behind', { clockOffsetMs: -2_000 }),
  clocks('30 s ahead', 'it is 30 s ahead', { clockOffsetMs: 30_000 }),
  clocks('30 s behind', 'it is 30 s behind', { clockOffsetMs: -30_000 }),
  clocks('hosts 2 s', 'each of the provider’s hosts is wrong by up to 2 s', { skewMs: 2_000 }),
  clocks('hosts 30 s', 'each of them is wrong by up to 30 s', { skewMs: 30_000 }),
  clocks('hosts 2 s, late notice', 'the same with 2 s, and 10 % overlapping reconnects, noticed within 60 s', {
    skewMs: 2_000,
    overlapShare: 0.1,
    overlapWithinMs: 60_000,
  }),
];

const LOST_PERCENT = [0, 1, 5];
/** The share of quick reconnects that overlap, and the time within which the dead socket is noticed. */
const OVERLAPS = [
  { percent: 0, withinS: 5 },
  ...[1, 10].flatMap((percent) => [5, 60].map((withinS) => ({ percent, withinS }))),
];

/** `disorder` and `loss` are two of them. */
export const MIXED_LEVELS = LOST_PERCENT.flatMap((lost) =>
  OVERLAPS.map(({ percent, withinS }) => {
    const chaos = {
      ...DISORDER,
      lossShare: lost / 100,
      overlapShare: percent / 100,
      overlapWithinMs: withinS * 1_000,
    };
    const basic = BASIC_LEVELS.find((one) => JSON.stringify(one.chaos) === JSON.stringify(chaos));
    const overlap = percent === 0 ? 'no overlap' : `${percent} % overlap, noticed within ${withinS} s`;
    return basic ?? level(`${lost} % lost, ${overlap}`, '', chaos);
  }),
);
