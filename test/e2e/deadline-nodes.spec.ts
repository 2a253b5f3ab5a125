// Several processes on one Redis share the work of deadlines: each deadline is processed once, also if one of them is killed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { Recorder } from '../../src/presence/write/recorder.js';
import { openStorage } from '../../src/storage/open-storage.js';
import type { Storage } from '../../src/storage/ports.js';
import { parseRedisUrl } from '../../src/storage/redis/client/parse-redis-url.js';
import { BANDWIDTH } from '../contract/index-entry.js';
import { connected, disconnected, policy } from '../domain/builders.js';
import { eventually } from '../eventually.js';
import { closeOnce } from '../leftovers.js';
import { lengthOf } from '../length.js';
import { ManualClock } from '../manual-clock.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { ServiceProcess } from './process.js';
import { scrape } from './scrape.js';

const NODES = 3;
const COUNT = lengthOf(1_500, 20_000);
/** Over two shards, since each is claimed from separately. */
const SHARDS = 2;
const log = pino({ level: 'silent' });

let folder: string;
let redis: RedisServer;
let storage: Storage;
let close: () => Promise<void>;
let recorder: Recorder;
let nowMs: number;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-deadlines-'));
  redis = await RedisServer.start();
  const clock = new ManualClock(Date.now() - 2 * policy.graceMs);
  const options = {
    redis: parseRedisUrl(redis.url),
    redisPrefix: 'rollcall',
    redisShards: SHARDS,
    sources: [BANDWIDTH],
  };
  const rest = { unsafeRedis: new Set<never>(), durability: 'memory', dataDir: folder, replayWindowMs: 0 } as const;
  storage = await openStorage({ ...options, ...rest, isWatching: false }, clock, log);
  close = closeOnce(() => storage.close());
  recorder = new Recorder(storage.records, clock, () => policy, log);
  nowMs = clock.now();
});
afterEach(async () => {
  await close();
  await redis.stop();
  rmSync(folder, { recursive: true });
});

/** Participants whose grace period ended a while ago. */
async function addOverdue(): Promise<void> {
  for (const build of [connected, disconnected]) {
    const events = Array.from({ length: COUNT }, (_, n) => build({ participant: `p${n}`, at: nowMs }));
    await Promise.all(events.map((event) => recorder.record(event)));
  }
}

const settingsOf = (node: number) => ({
  REDIS_URL: redis.url,
  REDIS_SHARDS: String(SHARDS),
  DATA_DIR: join(folder, `node${node}`),
});

const untilGone = () =>
  eventually(async () => {
    const { connected, reconnecting } = await storage.index.occupancy({});
    expect(connected + reconnecting).toBe(0);
  });

it('several processes process each deadline once, without a conflict', async () => {
  const nodes = await Promise.all(Array.from({ length: NODES }, (_, n) => ServiceProcess.start(settingsOf(n))));
  await addOverdue();
  await untilGone();
  const series = await Promise.all(nodes.map(({ url }) => scrape(`${url}/metrics`)));
  const total = (name: string) => series.reduce((sum, one) => sum + (one.get(name) ?? Number.NaN), 0);
  expect(total('rollcall_commits_total')).toBe(COUNT);
  expect(total('rollcall_deadline_lag_seconds_count')).toBe(COUNT);
  expect(total('rollcall_commit_conflicts_total')).toBe(0);
  await Promise.all(nodes.map((node) => node.end('SIGKILL')));
});

it('what a process had claimed when it was killed is processed by another one', async () => {
  const other = await ServiceProcess.start(settingsOf(0));
  other.signal('SIGSTOP');
  await addOverdue();
  const { reconnecting } = await storage.index.occupancy({});
  expect(reconnecting).toBe(COUNT);
  const killed = ServiceProcess.spawn(settingsOf(1));
  await eventually(async () => expect((await storage.index.occupancy({})).reconnecting).toBeLessThan(COUNT));
  await killed.end('SIGKILL');
  other.signal('SIGCONT');
  await untilGone();
  await other.end('SIGKILL');
});
