// Who of a team has waited longest: with few and with very many participants, all of them available, and all in that team.
import { knownOnRedis, knownOnSqlite } from '../known.mjs';
import { startNode } from '../processes.mjs';
import { failuresOf, inTurns, ratios } from '../rounds.mjs';
import { measure, row } from './reads.mjs';

const READ = { name: 'the three who have waited longest', read: 'waiting', connections: 16 };
/** All in one tag, and all available. */
const TEAM = { tags: 1, available: true };

const TEXT = `Requested by wrk, each connection with one request in flight: the first three of one tag by
\`order=longest-available\`. All participants are connected, available, and in that tag.`;

export async function availability({ rounds, warmMs, ms, onRedis, onSqlite }) {
  const redis = onRedis.map(async (count) => variantOf('Redis', await knownOnRedis(count, TEAM)));
  const sqlite = onSqlite.map(async (count) => variantOf('SQLite', await knownOnSqlite(count, TEAM)));
  const variants = Object.fromEntries(await Promise.all([...redis, ...sqlite]));
  for (const variant of Object.values(variants)) await measure(variant, warmMs);
  const results = await inTurns(rounds, variants, (variant) => measure(variant, ms));
  for (const { service } of Object.values(variants)) await service.stop();
  const [least, most] = [Math.min(...onRedis), Math.max(...onRedis)].map((count) => results[`Redis ${count}`]);
  const cost = ({ cpuUs }) => cpuUs.service + cpuUs.redis;
  return {
    title: 'Availability',
    tables: [{ text: TEXT, rows: Object.entries(variants).map(([key, variant]) => row(variant, results[key])) }],
    samples: { waitingOfFew: ratios(most, least, cost) },
    failed: failuresOf(Object.values(results).flat()),
  };
}

async function variantOf(store, { count, env, redis }) {
  const { port, pid, stop } = await startNode('dist/main.js', env);
  const service = { port, pids: { service: pid, ...(redis && { redis: redis.pid }) }, stop };
  return [`${store} ${count}`, { ...READ, store, known: count, service }];
}
