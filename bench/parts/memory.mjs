// The Redis memory of a connected participant: records, indexes and the feed.
import { Redis } from 'ioredis';
import { knownOnRedis } from '../known.mjs';
import { format } from '../table.mjs';

/** Others than the usual ones of participants.mjs: a set of so many is stored in another way. */
const MANY_PER_TAG = 1_000;

export async function memory({ counts, looked }) {
  const stores = [];
  for (const count of counts) stores.push(await knownOnRedis(count));
  stores.push(await knownOnRedis(looked, { tags: Math.ceil(looked / MANY_PER_TAG) }));
  const each = ({ count, bytes }) => bytes.participants / count;
  const rows = stores.map((store) => ({
    'connected participants': format(store.count),
    'bytes per participant': format(each(store)),
    'feed bytes per event': format(store.bytes.feedOfEvent),
    tags: format(store.tags),
  }));
  const parts = await bytesByKind(stores.find(({ count }) => count === looked));
  return {
    title: 'Memory of Redis',
    tables: [
      { text: TEXT, rows },
      {
        text: `Memory by kind of key, with ${format(looked)} participants, as reported by Redis for each key. \`not in a key\` includes the table of keys:`,
        rows: parts,
      },
    ],
    samples: { bytesEachOfFew: [each(stores[0])], bytesEachOfMany: [each(stores[1])] },
    failed: 0,
  };
}

const TEXT = `Participants with one device and a tag, ids of 36 characters, connected by one event. The figures are the growth of
\`used_memory\` of Redis: records, indexes and the table of keys, but not the feed, whose size is limited by a setting. The feed
is shown separately, as the size of the changes of one event. If few participants share a tag, as in calls, Redis stores the set
of the tag more compactly than if very many do.`;

/** Memory by kind of key: the part of the key name after the shard. Excludes the feed. */
async function bytesByKind({ redis, count, bytes }) {
  const client = new Redis(redis.port);
  const sums = new Map();
  for await (const keys of client.scanStream({ count: 1_000 })) {
    const commands = keys.reduce((pipeline, key) => pipeline.memory('USAGE', key, 'SAMPLES', 0), client.pipeline());
    for (const [index, [error, size]] of (await commands.exec()).entries()) {
      if (error) throw error;
      const kind = /^[^{]*\{\d+\}:([^:]+)/.exec(keys[index])?.[1] ?? 'other';
      sums.set(kind, (sums.get(kind) ?? 0) + size);
    }
  }
  client.disconnect();
  sums.delete('changes');
  const known = [...sums.values()].reduce((sum, size) => sum + size, 0);
  sums.set('not in a key', bytes.participants - known);
  return [...sums]
    .toSorted(([, a], [, b]) => b - a)
    .map(([kind, size]) => ({ keys: kind, 'bytes per participant': format(size / count, 1) }));
}
