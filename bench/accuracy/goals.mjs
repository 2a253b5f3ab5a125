// The accuracy goals. npm run accuracy fails if a goal with `holds` is missed.
import { MIXED_LEVELS } from './levels.mjs';
import { WITH_API } from './matrix.mjs';
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

function missWithApi({ scores }) {
  const { neverHappened } = scores.rollcall;
  const isMet = rightShare(scores.rollcall) >= 0.999 && neverHappened === 0;
  return isMet ? undefined : `${right({ scores })}, ${neverHappened} never happened`;
}

/** `holds`: it is met. `settings`: of the cells that are judged; default: none. `miss`: how a cell misses it, if it does. */
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
    name: 'Up to 1 % lost, with the API, list every 60 s: at least 99.9 % in every long scenario, and nothing announced that did not happen',
    settings: WITH_API[0],
    holds: true,
    isJudged: ({ scenario, level }) => scenario.durationMs !== undefined && level.chaos.lossShare <= 0.01,
    miss: missWithApi,
  },
  {
    name: 'Up to 1 % lost, with the API, list every 10 s: the same in every scenario but `ghosts`',
    settings: WITH_API[1],
    holds: true,
    isJudged: ({ scenario, level }) => scenario.name !== 'ghosts' && level.chaos.lossShare <= 0.01,
    miss: missWithApi,
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
    const judged = cells.filter((cell) => cell.settings === goal.settings && goal.isJudged(cell));
    const missed = judged.flatMap((cell) => {
      const why = goal.miss(cell);
      return why ? [`${cell.scenario.name}, ${cell.level.name}: ${why}`] : [];
    });
    return { ...goal, judged: judged.length, missed };
  });
}
