// What a deployment needs, calculated from the needs of one process. docs/scaling.md explains the result.
import { measureInputs } from '../capacity/inputs.mjs';
import { limits, MAX_SHARDS, sizing } from '../capacity/sizing.mjs';
import { format } from '../table.mjs';

const MIB = 2 ** 20;

export async function capacity(size, targets) {
  const inputs = await measureInputs(size);
  const result = sizing(inputs, targets);
  const unbatched = sizing({ ...inputs, callback: inputs.single }, targets);
  return {
    title: 'Capacity',
    tables: [
      { text: TEXT, rows: measured(inputs) },
      {
        text: `Extrapolated from that to ${load(targets, result)}:`,
        rows: needs([result, unbatched], targets, inputs),
      },
      {
        text: LIMITS,
        rows: limits(inputs, targets).map(({ limit, callbacks }) => ({ limit, 'callbacks/s': format(callbacks) })),
      },
    ],
    samples: {},
    failed: inputs.failed,
  };
}

const TEXT = `What one callback, read of one participant, and deadline need, with one process, 16 shards and one Redis: callbacks and reads
at the maximum rate over 64 connections, *single* callbacks over one connection, so that no two share a commit. Reads and deadlines
are of one shard. Commands include those in scripts; the append-only file is also what a replica receives.`;

const LIMITS = 'The callbacks a second at which each part that cannot be divided has reached its share of a core:';

function measured(inputs) {
  const { bytes, http, followUs, idleCommands } = inputs;
  const us = (value) => `${format(value, 1)} µs`;
  const size = (value) => `${format(value)} bytes`;
  const row = (name, callback, { single = '–', read = '–', deadline = '–' } = {}) => ({
    '': name,
    callback,
    'single callback': single,
    read,
    deadline,
  });
  const rowOf = (name, member, text, kinds = ['single', 'read']) => {
    const others = kinds.map((kind) => [kind, text(inputs[kind][member])]);
    return row(name, text(inputs.callback[member]), Object.fromEntries(others));
  };
  return [
    rowOf('CPU of the service', 'serviceUs', us, ['single', 'read', 'deadline']),
    rowOf('CPU of Redis', 'redisUs', us, ['single', 'read', 'deadline']),
    rowOf('Redis commands', 'commands', (value) => format(value, 1)),
    rowOf('to Redis', 'redisIn', size),
    rowOf('from Redis', 'redisOut', size),
    rowOf('append-only file', 'file', size, ['single']),
    row('HTTP, request and response', size(http.callback), { read: size(http.read) }),
    row('CPU of another process that follows', us(followUs)),
    row('memory of a connected participant', size(bytes.connected)),
    row('memory of one that is gone', size(bytes.gone)),
    row('resident memory, ratio to that', format(bytes.overhead, 2)),
    row('feed', size(bytes.feedOfEvent)),
    row('idle commands per process and shard', `${format(idleCommands, 1)}/s`),
  ];
}

function load(targets, { deadlines, stays }) {
  return `${format(targets.participants)} connected participants, ${format(targets.callbacks)} callbacks (${format(stays)} stays),
${format(targets.reads)} reads and ${format(deadlines)} deadlines a second. A core is used to ${targets['busy-percent']} %, a server of Redis to ${targets['gib-per-server']} GiB. Either
participants come back with the same ids, or each stay has a new id, which is kept for ${targets['retention-hours']} h after it. In the last
column, no two callbacks share a commit, as with many processes and shards, of which each pair gets few callbacks`;
}

function needs([result, unbatched], targets, { bytes, idleCommands }) {
  const columns = {
    'the same ids': { ...result, ...result.returning },
    'new ids': { ...result, ...result.renewed },
    'the same ids, single': { ...unbatched, ...unbatched.returning },
  };
  const row = (name, text) => ({
    '': name,
    ...Object.fromEntries(Object.entries(columns).map(([column, of]) => [column, text(of)])),
  });
  const mib = (value) => `${format(value / MIB)} MiB/s`;
  return [
    row('service: cores in use', ({ serviceCores }) => format(serviceCores, 1)),
    row('service: processes', ({ processes }) => format(processes)),
    row('Redis: cores in use', ({ redisCores }) => format(redisCores, 1)),
    row('participants kept', ({ kept }) => format(kept)),
    row('memory of the primaries', ({ gib }) => `${format(gib, 1)} GiB`),
    row('primaries for the CPU time', ({ byCpu }) => format(byCpu)),
    row('primaries for the memory', ({ byMemory }) => format(byMemory)),
    row('primaries, at least 3', ({ primaries }) => format(primaries)),
    row('servers with one replica each', ({ primaries }) => format(2 * primaries)),
    row('REDIS_SHARDS', ({ shards }) => (shards === undefined ? `more than ${MAX_SHARDS}` : format(shards))),
    row('idle commands of all processes', ({ processes, shards = MAX_SHARDS }) => {
      return `${format(idleCommands * processes * shards)}/s`;
    }),
    row('to and from each primary', ({ network, primaries }) => mib((network.redisIn + network.redisOut) / primaries)),
    row('file and replica of each primary', ({ network, primaries }) => mib(network.replication / primaries)),
    row('HTTP of each process', ({ network, processes }) => mib(network.http / processes)),
    row('FEED_MAX_BYTES for a minute', () => `${format((60 * targets.callbacks * bytes.feedOfEvent) / MIB)} MiB`),
  ];
}
