// The sizes of the parts. A complete run takes about 36 minutes; `quick` only shows that everything works.

export const WHOLE = {
  start: { rounds: 5, restMs: 1_000 },
  ingest: { rounds: 5, warmMs: 8_000, ms: 4_000 },
  pace: { rounds: 5, warmMs: 8_000, maxMs: 1_500, ms: 8_000 },
  surge: {
    warmMs: 8_000,
    maxMs: 1_500,
    devices: 10_000,
    connections: 1_000,
    overload: { connections: 4_000, ms: 4_000 },
  },
  store: { rounds: 3, warmMs: 5_000, ms: 3_000, setCount: 1_500_000 },
  processes: { rounds: 3, warmMs: 8_000, ms: 4_000 },
  'scale-out': { rounds: 3, warmMs: 5_000, ms: 3_000 },
  memory: { counts: [100_000, 1_000_000], looked: 100_000 },
  reads: {
    rounds: 5,
    warmMs: 4_000,
    ms: 1_500,
    onRedis: [1_000, 100_000, 1_000_000],
    onSqlite: [1_000, 100_000],
  },
  availability: { rounds: 3, warmMs: 3_000, ms: 1_500, onRedis: [1_000, 1_000_000], onSqlite: [1_000, 1_000_000] },
  history: {
    ...{ rounds: 3, warmMs: 6_000, ms: 4_000, counts: [10_000, 10_000_000], requests: 200 },
    slices: { warmMs: 8_000, slices: 15, ms: 2_000, settleMs: 2_000 },
  },
  scale: { rounds: 3, warmMs: 8_000, ms: 4_000, few: 1_000, many: 1_000_000, inOneTag: 100_000, devices: 500 },
  webhooks: {
    ...{ rounds: 3, slices: { warmMs: 8_000, slices: 15, ms: 2_000, settleMs: 500 } },
    ...{ backlog: 10_000, perSecond: 100, count: 800, endpoints: 1_000, idleMs: 20_000 },
  },
  capacity: { count: 100_000, warmMs: 5_000, ms: 4_000 },
};

export const QUICK = {
  start: { rounds: 1, restMs: 0 },
  ingest: { rounds: 1, warmMs: 300, ms: 300 },
  pace: { rounds: 1, warmMs: 300, maxMs: 300, ms: 300 },
  surge: { warmMs: 300, maxMs: 300, devices: 200, connections: 50, overload: { connections: 100, ms: 200 } },
  store: { rounds: 1, warmMs: 300, ms: 200, setCount: 10_000 },
  processes: { rounds: 1, warmMs: 300, ms: 300 },
  'scale-out': { rounds: 1, warmMs: 300, ms: 300 },
  memory: { counts: [1_000, 2_000], looked: 1_000 },
  reads: { rounds: 1, warmMs: 100, ms: 200, onRedis: [1_000], onSqlite: [1_000] },
  availability: { rounds: 1, warmMs: 100, ms: 200, onRedis: [1_000, 2_000], onSqlite: [1_000] },
  history: {
    ...{ rounds: 1, warmMs: 300, ms: 300, counts: [1_000, 2_000], requests: 3 },
    slices: { warmMs: 300, slices: 1, ms: 300, settleMs: 200 },
  },
  scale: { rounds: 1, warmMs: 300, ms: 300, few: 1_000, many: 2_000, inOneTag: 2_000, devices: 500 },
  webhooks: {
    ...{ rounds: 1, slices: { warmMs: 300, slices: 1, ms: 300, settleMs: 200 } },
    ...{ backlog: 200, perSecond: 50, count: 20, endpoints: 3, idleMs: 500 },
  },
  capacity: { count: 1_000, warmMs: 300, ms: 300 },
};
