// Formats a measurement as table rows, one per receiver.
import { quantile } from '../../simulator/dist/judge/score.js';

const RECEIVERS = { rollcall: 'Rollcall', naive: 'naive' };

/** Returns pairs of a receiver's name and its columns. */
export function rowsOf({ scores }) {
  return Object.entries(scores).map(([key, score]) => [RECEIVERS[key], columnsOf(score)]);
}

function columnsOf({ marks, transitions, neverHappened, missed, arrivalDelaysMs, departureDelaysMs }) {
  const { right, waiting, wronglyConnected, wronglyGone } = marks;
  const all = right + waiting + wronglyConnected + wronglyGone;
  return {
    'participant-seconds': all,
    'right, delay aside': percent(right + waiting, all),
    'right at once': percent(right, all),
    'wrongly connected': percent(wronglyConnected, all),
    'wrongly gone': percent(wronglyGone, all),
    'never happened': `${neverHappened}`,
    missed: `${missed} of ${transitions}`,
    'arrival seen after': delay(arrivalDelaysMs),
    'departure seen after': delay(departureDelaysMs),
  };
}

/** Shows 100 % and 0 % only if they are exact. */
function percent(part, all) {
  if (part === 0) return '0 %';
  if (part === all) return '100 %';
  const value = (part / all) * 100;
  return `${value > 50 ? Math.min(value, 99.999).toFixed(3) : Math.max(value, 0.001).toFixed(3)} %`;
}

function delay(ascendingMs) {
  if (ascendingMs.length === 0) return '';
  return [0.5, 0.99].map((share) => `${(quantile(ascendingMs, share) / 1_000).toFixed(2)} s`).join(' / ');
}
