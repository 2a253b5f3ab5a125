// A commit that changes nothing: commit.lua with every key that participants share, and every command that it uses.
// What would make Redis refuse a callback makes it refuse this: a permission that is missing, a key of another type,
// memory that is full, a disk that cannot be written.
import type { ScriptCall } from './commit-call.js';
import type { Shard } from './shard.js';

const SHARED_SETS = ['connected', 'reconnecting', 'gone', 'more', 'none'] as const;
/** No participant has an empty tag. */
const NO_TAG = '';

/** `member`: of no participant; its keys exist only while the script runs. The layout of the arguments is commit.lua's. */
export function probeCall(shard: Shard, member: string, newEpoch: string): ScriptCall {
  const record = shard.probe(member);
  const keys = [shard.tags, shard.epoch, shard.changes, record];
  const commands: (string | number)[] = [];
  let count = 0;
  const add = (name: string, place: number, ...args: (string | number)[]) => {
    commands.push(name, place, args.length, ...args);
    count += 1;
  };
  add('MSET', keys.length, 'probe');
  add('DEL', keys.length);
  for (const index of [shard.tags, shard.due, ...SHARED_SETS.map((set) => shard.set(set))]) {
    const place = keys.push(index);
    // First what shows that it can be taken out again: a script that fails keeps what it has done.
    add('ZREM', place, member);
    add('ZADD', place, 0, member);
    add('ZREM', place, member);
  }
  // Appends to no stream, since there is none of that name.
  add('XADD', keys.push(`${record}:changes`), 'NOMKSTREAM', '*', 'n', 0, 'c', '');
  const places = [keys.push(shard.set('connected', NO_TAG)), keys.push(shard.set('reconnecting', NO_TAG))];
  return { keys, args: [newEpoch, 1, '', '', 0, count, ...commands, NO_TAG, ...places, 0] };
}
