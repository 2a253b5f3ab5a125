// Rollcall's performance goals, and whether they are met.
import { median } from './rounds.mjs';
import { format, spread } from './table.mjs';

/** `sample`: the name of the measurements; their median must be at least `min`, or at most `max`. */
const GOALS = [
  { name: 'Callbacks on Redis, ratio to hand-written', sample: 'redisOfByHand', min: 4, unit: '×', digits: 2 },
  { name: 'Callbacks on Redis, ratio to floor', sample: 'redisOfFloor', min: 0.5, unit: '×', digits: 2 },
  { name: 'Callbacks on SQLite, ratio to floor', sample: 'sqliteOfFloor', min: 0.4, unit: '×', digits: 2 },
  { name: 'p99 at half the maximum rate, on Redis', sample: 'p99OnRedis', max: 10, unit: 'ms', digits: 1 },
  { name: 'p99 at half the maximum rate, on SQLite', sample: 'p99OnSqlite', max: 10, unit: 'ms', digits: 1 },
  { name: 'GET one participant, ratio to floor', sample: 'oneOfFloor', min: 0.5, unit: '×', digits: 2 },
  { name: 'First page, relative cost with most participants', sample: 'pageOfFew', max: 1.2, unit: '×', digits: 2 },
  {
    name: 'Who waited longest, relative cost with most participants',
    sample: 'waitingOfFew',
    max: 1.2,
    unit: '×',
    digits: 2,
  },
  { name: 'Event, relative cost with most participants', sample: 'manyOfFew', max: 1.15, unit: '×', digits: 2 },
  {
    name: 'Redis memory per participant, 100,000 participants',
    sample: 'bytesEachOfFew',
    max: 600,
    unit: 'bytes',
    digits: 0,
  },
  {
    name: 'Redis memory per participant, 1,000,000 participants',
    sample: 'bytesEachOfMany',
    max: 600,
    unit: 'bytes',
    digits: 0,
  },
  ...['SQLite', 'PostgreSQL'].flatMap(historyGoals),
  {
    name: 'Webhooks, p99 beside an endpoint that hangs',
    sample: 'webhooksBesideHanging',
    max: 2,
    unit: '×',
    digits: 2,
  },
  {
    name: 'Callbacks with an endpoint of webhooks, relative CPU time',
    sample: 'webhooksForIngest',
    max: 1.05,
    unit: '×',
    digits: 2,
  },
  { name: 'Start to first response, SQLite', sample: 'startMs', max: 1_000, unit: 'ms', digits: 0 },
];

/** The rows of all goals with samples, and the names of the goals that are missed. */
export function judge(samples) {
  const judged = GOALS.filter(({ sample }) => samples[sample]);
  const rows = judged.map((goal) => {
    const { name, sample, min, unit, digits } = goal;
    const target = min === undefined ? `≤ ${format(goal.max, digits)}` : `≥ ${format(min, digits)}`;
    return {
      goal: name,
      target: `${target} ${unit}`,
      measured: `${format(median(samples[sample]), digits)} ${unit}`,
      spread: spread(samples[sample], digits),
      '': isMet(goal, samples) ? 'met' : '**missed**',
    };
  });
  return { rows, missed: judged.filter((goal) => !isMet(goal, samples)).map(({ name }) => name) };
}

/** Goals that a complete run did not measure. */
export function unmeasured(samples) {
  return GOALS.filter(({ sample }) => !samples[sample]?.every(Number.isFinite)).map(({ name }) => name);
}

function isMet({ sample, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }, samples) {
  const value = median(samples[sample]);
  return value >= min && value <= max;
}

function historyGoals(store) {
  return [
    { name: 'Callbacks with history, relative CPU time', sample: 'historyCpu', max: 1.1, unit: '×', digits: 2 },
    { name: 'History written per second', sample: 'historyRows', min: 10_000, unit: 'rows', digits: 0 },
    { name: 'p99 lag of history at half the maximum rate', sample: 'historyLag', max: 1_000, unit: 'ms', digits: 0 },
    {
      name: 'Page of history, relative time with most connections',
      sample: 'historyPage',
      max: 1.5,
      unit: '×',
      digits: 2,
    },
  ].map((goal) => ({ ...goal, name: `${goal.name}, ${store}`, sample: `${goal.sample} ${store}` }));
}
