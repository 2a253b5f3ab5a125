// The accuracy goals. npm run accuracy fails if a goal with `holds` is missed in a cell that is not one of its exceptions.
import { CLOCK_LEVELS, MIXED_LEVELS } from './levels.mjs';
import { WITH_API, WITH_PROVIDER } from './matrix.mjs';
import { percent, rightShare, totalOf } from './rows.mjs';

/** The default of `CLOCK_SKEW_MS`. */
const MAX_SKEW_MS = 5_000;
/** Smaller differences do not count. */
const TOLERANCE = 0.0001;

const isGhosts = ({ scenario }) => scenario.name.startsWith('ghosts');
const isMixed = ({ level }) => MIXED_LEVELS.includes(level);
const isWithWrongClocks = ({ level }) => CLOCK_LEVELS.includes(level);
const isAtLoss = ({ level }) => level.name === 'loss';
const isWithoutLoss = ({ level: { chaos } }) =>
  chaos.lossShare === 0 && chaos.skewMs + Math.abs(chaos.clockOffsetMs) <= MAX_SKEW_MS;
const isNoticedSoon = ({ level }) => level.chaos.overlapWithinMs <= 5_000;

const right = ({ scores }) => percent(rightShare(scores.rollcall));

/** No webhook reports those who vanish, so they do not count as a mistake. */
function mistakeWithoutLoss(cell) {
  const { neverHappened } = cell.scores.rollcall;
  const isRight = Object.keys(cell.causes).every((cause) => cause === 'vanished');
  return isRight && neverHappened === 0 ? undefined : `${right(cell)}, ${neverHappened} never happened`;
}

function mistakeWithWrongClocks({ scores, causes, ghostMs }) {
  const wrongS = Object.entries(causes).reduce((sum, [cause, s]) => sum + (cause === 'vanished' ? 0 : s), 0);
  if (wrongS / totalOf(scores.rollcall) > 0.001) return `${percent(wrongS, totalOf(scores.rollcall))} wrong`;
  return ghostMs > MAX_SKEW_MS ? `a ghost of ${Math.round(ghostMs / 1_000)} s` : undefined;
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

/** `every`: the index of the interval between lists. */
const ofProviders = (every) => WITH_PROVIDER.map(({ withApi }) => withApi[every]);

function missAfterList({ longest: { ms, limitMs } }) {
  return ms > limitMs ? `${Math.round(ms / 1_000)} s wrong, ${Math.round(limitMs / 1_000)} s at most` : undefined;
}

const NAIVE_GHOSTS = {
  why: 'In `ghosts-9h` the naive receiver is right by mistake: it removes participants who are connected, and some of them vanish later, which no webhook reports.',
  includes: ({ scenario }) => scenario.name === 'ghosts-9h',
};
const FLAPPING = {
  why: 'In `flaky-mobile` a loss that is not reported looks like an overlapping reconnect. Reading it as a loss would make every real overlap a false departure.',
  includes: ({ scenario, level: { chaos } }) =>
    scenario.name === 'flaky-mobile' &&
    (chaos.lossShare === 0.05 || (chaos.overlapShare === 0.1 && chaos.overlapWithinMs === 60_000)),
};
const UNNOTICED = {
  why: 'With late notice, a device may lose its newer socket before the provider notices the end of the older one. Webhooks do not say which of the two has ended.',
  includes: ({ scenario, scores }) =>
    ['meeting', 'flaky-mobile', 'phones-3h'].includes(scenario.name) && scores.rollcall.neverHappened === 0,
};
const LAST_LOSS = {
  why: 'In `phones-3h` the last loss of a phone is an event that nothing follows: if it is not reported, the phone stays connected to the end of the run.',
  includes: ({ scenario }) => scenario.name === 'phones-3h',
};

/**
 * `holds`: it is met but for the exceptions, which no rule can meet. `miss`: how a cell misses it, if it does. `settings`: those of
 * the cells that are judged; default: cells without. `dependsOnChance`: among few participants a single lost webhook may decide.
 */
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
    exceptions: [UNNOTICED],
  },
  {
    name: 'Clocks wrong by 2 s or 30 s, without loss: at least 99.9 % right but for those who vanish, and no ghost older than the grace period and 5 s',
    holds: true,
    isJudged: (cell) => isWithWrongClocks(cell) && isNoticedSoon(cell),
    miss: mistakeWithWrongClocks,
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
    dependsOnChance: true,
    exceptions: [LAST_LOSS],
  },
  {
    name: '1 % lost: not below the naive receiver by more than 0.01 points',
    holds: true,
    isJudged: isAtLoss,
    miss: belowNaive,
    dependsOnChance: true,
    exceptions: [NAIVE_GHOSTS],
  },
  {
    name: 'Up to 1 % lost, with the API, list every 60 s: at least 99.9 % in every long scenario, and nothing announced that did not happen',
    settings: [WITH_API[0]],
    holds: true,
    isJudged: ({ scenario, level }) => scenario.durationMs !== undefined && level.chaos.lossShare <= 0.01,
    miss: missWithApi,
  },
  {
    name: 'Up to 1 % lost, with the API, list every 10 s: the same in every scenario but `ghosts`',
    settings: [WITH_API[1]],
    holds: true,
    isJudged: ({ scenario, level }) => scenario.name !== 'ghosts' && level.chaos.lossShare <= 0.01,
    miss: missWithApi,
  },
  {
    name: 'Like BRTC and like LiveKit, 1 % lost, list every 60 s: at least 99.9 % in every long scenario, and nothing announced that did not happen',
    settings: ofProviders(0),
    holds: true,
    isJudged: ({ scenario }) => scenario.durationMs !== undefined,
    miss: missWithApi,
  },
  {
    name: 'Like BRTC and like LiveKit, 1 % lost, list every 60 s or 10 s: nobody is wrong for longer than the time between two complete lists, the age of an answer, the time to ask, and the grace period',
    settings: [...ofProviders(0), ...ofProviders(1)],
    holds: true,
    isJudged: () => true,
    miss: missAfterList,
  },
  {
    name: '0 to 5 % lost, 0 to 10 % overlapping: not below the naive receiver by more than 0.01 points',
    holds: true,
    isJudged: isMixed,
    miss: belowNaive,
    dependsOnChance: true,
    exceptions: [FLAPPING, NAIVE_GHOSTS],
  },
];

/** Each goal with the number of cells judged, the cells that miss it, and those of them that are not exceptions. */
export function judgeGoals(cells) {
  return GOALS.map((goal) => {
    const { exceptions = [], settings = [undefined] } = goal;
    const judged = cells.filter((cell) => settings.includes(cell.settings) && goal.isJudged(cell));
    const missed = judged.flatMap((cell) => {
      const how = goal.miss(cell);
      if (!how) return [];
      return [{ text: `${cell.scenario.name}, ${cell.level.name}: ${how}`, why: whyOf(exceptions, cell) }];
    });
    const unexpected = missed.filter(({ why }) => !why).map(({ text }) => text);
    return { ...goal, judged: judged.length, missed, unexpected };
  });
}

function whyOf(exceptions, cell) {
  return exceptions.find((exception) => exception.includes(cell))?.why;
}
