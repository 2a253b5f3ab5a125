// What a deployment needs for a given load, from what one process was measured to need. Arithmetic only.

/** The load to size for, and how full things may be. Each is an option of `npm run bench -- capacity`. */
export const TARGETS = {
  /** Connected at the same time. */
  participants: 10_000_000,
  /** A second. */
  callbacks: 100_000,
  /** Reads of one participant, a second. */
  reads: 10_000,
  /** Of one stay, such as connect and leave; one of them begins it. */
  'callbacks-per-stay': 4,
  /** Of 100 callbacks, how many are followed by a deadline: losses that grace turns into ends. */
  'deadline-percent': 10,
  /** RETENTION_MS, in hours; not below MAX_CONNECTION_MS. */
  'retention-hours': 9,
  /** Of a core, how much is used: the rest is for bursts, and for what other nodes do while one is unavailable. */
  'busy-percent': 50,
  /** Data on one Redis server, in GiB. As much again must be free for forks and replication. */
  'gib-per-server': 32,
};

const MIN_PRIMARIES = 3;
const MIN_SHARDS = 16;
/** The limit of REDIS_SHARDS. */
export const MAX_SHARDS = 64;
const GIB = 2 ** 30;

/**
 * `inputs`: CPU time in microseconds and bytes, as measured by inputs.mjs. Participants either come back with the same id, or
 * each stay has a new one, whose record is kept for the retention.
 */
export function sizing(inputs, targets) {
  const deadlines = (targets.callbacks * targets['deadline-percent']) / 100;
  const cores = (member) =>
    (targets.callbacks * inputs.callback[member] +
      targets.reads * inputs.read[member] +
      deadlines * inputs.deadline[member]) /
    1e6;
  const busy = targets['busy-percent'] / 100;
  const processes = Math.ceil(cores('serviceUs') / busy);
  const stays = targets.callbacks / targets['callbacks-per-stay'];
  const kept = stays * targets['retention-hours'] * 3_600;
  const returning = deployment(0);
  const shared = { deadlines, serviceCores: cores('serviceUs'), processes, redisCores: cores('redisUs') };
  return { ...shared, stays, returning, renewed: deployment(kept), network: network(inputs, targets) };

  /** `gone`: participants that are kept though they are gone. */
  function deployment(gone) {
    const data = targets.participants * inputs.bytes.connected + gone * inputs.bytes.gone;
    const gib = (data * inputs.bytes.overhead) / GIB;
    const byCpu = Math.ceil(cores('redisUs') / busy);
    const byMemory = Math.ceil(gib / targets['gib-per-server']);
    const primaries = Math.max(MIN_PRIMARIES, byCpu, byMemory);
    return { kept: targets.participants + gone, gib, byCpu, byMemory, primaries, shards: shardsFor(primaries) };
  }
}

/** An equal number for each primary; undefined if there are too few shards for so many. */
export function shardsFor(primaries) {
  const shards = Math.ceil(MIN_SHARDS / primaries) * primaries;
  return shards <= MAX_SHARDS ? shards : undefined;
}

/** Bytes a second, of all primaries and of all processes. */
function network({ callback, read, http }, { callbacks, reads }) {
  return {
    redisIn: callbacks * callback.redisIn + reads * read.redisIn,
    redisOut: callbacks * callback.redisOut + reads * read.redisOut,
    // To one replica of each primary: the commands that change something, as they are in the append-only file.
    replication: callbacks * callback.file,
    http: callbacks * http.callback + reads * http.read,
  };
}

/** The callbacks a second at which each part that cannot be divided is busy, the lowest first. */
export function limits(inputs, targets) {
  const perCore = (us) => ((targets['busy-percent'] / 100) * 1e6) / us;
  return [
    { limit: 'one process with followers, each of which reads the whole feed', callbacks: perCore(inputs.followUs) },
    { limit: 'one Redis server, or the primary of Sentinels', callbacks: perCore(inputs.callback.redisUs) },
    {
      limit: `a Redis Cluster of ${MAX_SHARDS} primaries with one shard each`,
      callbacks: MAX_SHARDS * perCore(inputs.callback.redisUs),
    },
  ].toSorted((a, b) => a.callbacks - b.callbacks);
}
