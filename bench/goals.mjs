// What Rollcall wants to reach, and whether it does.
import { median } from './rounds.mjs';
import { format, spread } from './table.mjs';

/** `sample` is what a part calls its measurements of it; their median has to be `least` or more, or `most` or less. */
const GOALS = [
  { name: 'Callbacks on Redis, against by hand', sample: 'redisOfByHand', least: 4, unit: '×', digits: 2 },
  { name: 'Callbacks on Redis, against the floor', sample: 'redisOfFloor', least: 0.5, unit: '×', digits: 2 },
  { name: 'Callbacks on SQLite, against the floor', sample: 'sqliteOfFloor', least: 0.4, unit: '×', digits: 2 },
  { name: 'p99 at half the maximum rate, on Redis', sample: 'p99OnRedis', most: 10, unit: 'ms', digits: 1 },
  { name: 'p99 at half the maximum rate, on SQLite', sample: 'p99OnSqlite', most: 10, unit: 'ms', digits: 1 },
  { name: 'GET one participant, against the floor', sample: 'oneOfFloor', least: 0.5, unit: '×', digits: 2 },
  { name: 'First page, most against fewest connected', sample: 'pageOfFew', most: 1.2, unit: '×', digits: 2 },
  { name: 'Cost of an event, most against fewest known', sample: 'manyOfFew', most: 1.15, unit: '×', digits: 2 },
  { name: 'Redis memory of one of 100,000', sample: 'bytesEachOfFew', most: 600, unit: 'bytes', digits: 0 },
  { name: 'Redis memory of one of 1,000,000', sample: 'bytesEachOfMany', most: 600, unit: 'bytes', digits: 0 },
  { name: 'Start to first answer, embedded', sample: 'startMs', most: 1_000, unit: 'ms', digits: 0 },
];

/** Of the goals for which there are samples, in a table, and the names of those that are missed. */
export function judge(samples) {
  const judged = GOALS.filter(({ sample }) => samples[sample]);
  const rows = judged.map((goal) => {
    const { name, sample, least, unit, digits } = goal;
    const wanted = least === undefined ? `≤ ${format(goal.most, digits)}` : `≥ ${format(least, digits)}`;
    return {
      goal: name,
      wanted: `${wanted} ${unit}`,
      measured: `${format(median(samples[sample]), digits)} ${unit}`,
      spread: spread(samples[sample], digits),
      '': isMet(goal, samples) ? 'met' : '**missed**',
    };
  });
  return { rows, missed: judged.filter((goal) => !isMet(goal, samples)).map(({ name }) => name) };
}

/** What a whole run did not measure. */
export function unmeasured(samples) {
  return GOALS.filter(({ sample }) => !samples[sample]?.every(Number.isFinite)).map(({ name }) => name);
}

function isMet({ sample, least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY }, samples) {
  const value = median(samples[sample]);
  return value >= least && value <= most;
}
