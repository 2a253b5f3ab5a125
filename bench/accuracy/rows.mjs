// Formats scores as table rows, one per receiver.
import { quantile } from '../../simulator/dist/judge/score.js';

const RECEIVERS = { rollcall: 'Rollcall', naive: 'naive' };

/** Returns pairs of a receiver's name and its columns. */
export function rowsOf(scores) {
  return namedScores(scores).map(([receiver, score]) => [receiver, columnsOf(score)]);
}

/** Returns pairs of a receiver's name and its score. */
export function namedScores(scores) {
  return Object.entries(scores).map(([key, score]) => [RECEIVERS[key], score]);
}

function columnsOf(score) {
  const { marks, transitions, neverHappened, late, missed, arrivalDelaysMs, departureDelaysMs } = score;
  const all = totalOf(score);
  return {
    'participant-seconds': Math.round(all),
    'right, delay aside': percent(marks.right + marks.waiting, all),
    'right at once': percent(marks.right, all),
    'wrongly connected': percent(marks.wronglyConnected, all),
    'wrongly gone': percent(marks.wronglyGone, all),
    'never happened': `${neverHappened}`,
    'too late': `${late}`,
    missed: `${missed} of ${transitions}`,
    'arrival seen after': delay(arrivalDelaysMs),
    'departure seen after': delay(departureDelaysMs),
  };
}

export function totalOf({ marks }) {
  return marks.right + marks.waiting + marks.wronglyConnected + marks.wronglyGone;
}

/** Right, delay aside: a share from 0 to 1, which is 1 only if nothing was wrong. */
export function rightShare(score) {
  return (score.marks.right + score.marks.waiting) / totalOf(score);
}

/** Shows 100 % and 0 % only if they are exact. */
export function percent(part, all = 1) {
  if (part === 0) return '0 %';
  if (part === all) return '100 %';
  const value = (part / all) * 100;
  return `${value > 50 ? Math.min(value, 99.999).toFixed(3) : Math.max(value, 0.001).toFixed(3)} %`;
}

function delay(ascendingMs) {
  if (ascendingMs.length === 0) return '';
  return [0.5, 0.99].map((share) => `${(quantile(ascendingMs, share) / 1_000).toFixed(2)} s`).join(' / ');
}

/** Like `0.190 % return, 0.004 % final loss`: of all participant-seconds, the largest first. */
export function describeCauses({ scores, causes }) {
  const all = totalOf(scores.rollcall);
  return Object.entries(causes)
    .sort(([, a], [, b]) => b - a)
    .map(([cause, seconds]) => `${percent(seconds, all)} ${cause}`)
    .join(', ');
}
