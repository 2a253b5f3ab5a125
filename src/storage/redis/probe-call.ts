// A commit that changes nothing: commit.lua with every key that participants share, and every command that it uses.
// What would make Redis refuse a callback makes it refuse this: a permission that is missing, a key of another type,
// memory that is full, a disk that cannot be written.
import type { SourceName } from '../../domain/subject.js';
import type { Group } from '../ports.js';
import type { ScriptCall } from './commit-call.js';
import type { Shard } from './shard.js';

const SHARED_SETS = ['connected', 'reconnecting', 'gone', 'more', 'none'] as const;
/** No participant has an empty tag. */
const NO_TAG: Group = { kind: 'tag', name: '' };

/** `member`: of no participant; its keys exist only while the script runs. The layout of the arguments is commit.lua's. */
export function probeCall(shard: Shard, sources: readonly SourceName[], member: string, newEpoch: string): ScriptCall {
  const record = shard.probe(member);
  const keys = [shard.epoch, shard.changes, record];
  const commands: (string | number)[] = [];
  let count = 0;
  const add = (name: string, place: number, ...args: (string | number)[]) => {
    commands.push(name, place, args.length, ...args);
    count += 1;
  };
  add('MSET', keys.length, 'probe');
  add('DEL', keys.length);
  const sourcesPlace = keys.push(shard.sources);
  for (const name of ['SREM', 'SADD', 'SREM']) add(name, sourcesPlace, member);
  const indexes = sources.flatMap((source) => [
    shard.tags(source),
    ...SHARED_SETS.map((set) => shard.set(source, set)),
  ]);
  for (const index of [shard.due, ...indexes]) {
    const place = keys.push(index);
    // First what shows that it can be taken out again: a script that fails keeps what it has done.
    add('ZREM', place, member);
    add('ZADD', place, 0, member);
    add('ZREM', place, member);
  }
  // Appends to no stream, since there is none of that name.
  add('XADD', keys.push(`${record}:changes`), 'NOMKSTREAM', '*', 'n', 0, 'c', '');
  const recounts = sources.flatMap((source) => {
    const places = [shard.set(source, 'connected', NO_TAG), shard.set(source, 'reconnecting', NO_TAG)];
    const [connected, reconnecting] = places.map((set) => keys.push(set));
    return [keys.push(shard.tags(source)), NO_TAG.name, Number(connected), Number(reconnecting), 0];
  });
  return { keys, args: [newEpoch, 1, '', '', 0, count, ...commands, ...recounts] };
}
