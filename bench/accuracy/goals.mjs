// The accuracy goals. npm run accuracy fails if a goal with `holds` is missed.
import { MIXED_LEVELS } from './levels.mjs';
import { percent, rightShare } from './rows.mjs';

/** The default of `CLOCK_SKEW_MS`. */
const MAX_SKEW_MS = 5_000;
/** Smaller differences do not count. */
const TOLERANCE = 0.0001;

const isGhosts = ({ scenario }) => scenario.name.startsWith('ghosts');
const isMixed = ({ level }) => MIXED_LEVELS.includes(level);
const isAtLoss = ({ level }) => level.name === 'loss';
const isWithoutLoss = ({ level: { chaos } }) =>
  chaos.lossShare === 0 && chaos.skewMs === 0 && Math.abs(chaos.clockOffsetMs) <= MAX_SKEW_MS;
const isNoticedSoon = ({ level }) => level.chaos.overlapWithinMs <= 5_000;

const right = ({ scores }) => percent(rightShare(scores.rollcall));

/** No webhook reports those who vanish, so they do not count as a mistake. */
function mistakeWithoutLoss(cell) {
  const { neverHappened } = cell.scores.rollcall;
  const isRight = Object.keys(cell.causes).every((cause) => cause === 'vanished');
  return isRight && neverHappened === 0 ? undefined : `${right(cell)}, ${neverHappened} never happened`;
}

function belowNaive({ scores }) {
  const points = (rightShare(scores.rollcall) - rightShare(scores.naive)) * 100;
  return points < -TOLERANCE * 100 ? `${points.toFixed(3)} points` : undefined;
}

/** `holds`: it is met. `miss`: how a cell misses it, if it does. Cells with other settings are not judged. */
const GOALS = [
  {
    name: 'Without loss, clocks within 5 s, dead sockets noticed within 5 s: 100 % right, and nothing announced that did not happen',
    holds: true,
    isJudged: (cell) => isWithoutLoss(cell) && isNoticedSoon(cell),
    miss: mistakeWithoutLoss,
  },
  {
    name: 'The same, dead sockets noticed within 60 s (`OVERLAP_MS`)',
    holds: false,
    isJudged: (cell) => isWithoutLoss(cell) && !isNoticedSoon(cell),
    miss: mistakeWithoutLoss,
  },
  {
    name: '1 % lost: every wrong answer follows an event that was not reported',
    holds: true,
    isJudged: isAtLoss,
    miss: ({ causes }) =>
      causes['nothing lost'] > 0 ? `${causes['nothing lost'].toFixed(1)} s without such an event` : undefined,
  },
  {
    name: '1 % lost: at least 99.5 % right in every scenario but the ghosts',
    holds: false,
    isJudged: (cell) => isAtLoss(cell) && !isGhosts(cell),
    miss: (cell) => (rightShare(cell.scores.rollcall) < 0.995 ? right(cell) : undefined),
  },
  {
    name: '1 % lost: not below the naive receiver by more than 0.01 points',
    holds: false,
    isJudged: isAtLoss,
    miss: belowNaive,
  },
  {
    name: '0 to 5 % lost, 0 to 10 % overlapping: not below the naive receiver by more than 0.01 points',
    holds: false,
    isJudged: isMixed,
    miss: belowNaive,
  },
];

/** Each goal with the number of cells judged, and the cells that miss it. */
export function judgeGoals(cells) {
  return GOALS.map((goal) => {
    const judged = cells.filter((cell) => !cell.settings && goal.isJudged(cell));
    const missed = judged.flatMap((cell) => {
      const why = goal.miss(cell);
      return why ? [`${cell.scenario.name}, ${cell.level.name}: ${why}`] : [];
    });
    return { ...goal, judged: judged.length, missed };
  });
}
