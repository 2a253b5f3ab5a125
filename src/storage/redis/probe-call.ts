// A commit without effect: commit.lua with every key that participants share and every command that it uses. It fails
// whenever Redis would refuse a callback: missing permissions, a key of another type, full memory, an unwritable disk.
import type { SourceName } from '../../domain/subject.js';
import type { Group } from '../ports.js';
import type { ScriptCall } from './commit-call.js';
import type { Shard } from './shard.js';

const SHARED_SETS = ['connected', 'reconnecting', 'gone', 'expected', 'more', 'none', 'available', 'busy'] as const;
/** No participant has an empty tag. */
const NO_TAG: Group = { kind: 'tag', name: '' };

/** `member` must not be that of a participant; its keys exist only while the script runs. For the arguments see commit.lua. */
export function probeCall(
  shard: Shard,
  { sources, labels }: { readonly sources: readonly SourceName[]; readonly labels: string },
  member: string,
  newEpoch: string,
): ScriptCall {
  const record = shard.probe(member);
  const keys = [shard.epoch, shard.changes, shard.due, shard.labels, record];
  const commands: (string | number)[] = [];
  let count = 0;
  const add = (name: string, keyIndex: number, ...args: (string | number)[]) => {
    commands.push(name, keyIndex, args.length, ...args);
    count += 1;
  };
  add('MSET', keys.length, 'probe');
  add('DEL', keys.length);
  const sourcesIndex = keys.push(shard.sources);
  for (const name of ['SREM', 'SADD', 'SREM']) add(name, sourcesIndex, member);
  const indexes = sources.flatMap((source) => [
    shard.names(source, 'tag'),
    shard.names(source, 'label'),
    ...SHARED_SETS.map((set) => shard.set(source, set)),
  ]);
  for (const index of [shard.due, ...indexes]) {
    const keyIndex = keys.push(index);
    // ZREM first, to fail before ZADD if it is not permitted: the effects of a failed script are not rolled back.
    add('ZREM', keyIndex, member);
    add('ZADD', keyIndex, 0, member);
    add('ZREM', keyIndex, member);
  }
  // NOMKSTREAM: no stream has this name, so nothing is appended.
  add('XADD', keys.push(`${record}:changes`), 'NOMKSTREAM', '*', 'n', 0, 'c', '');
  const recounts = sources.flatMap((source) => {
    const sets = [shard.set(source, 'connected', NO_TAG), shard.set(source, 'reconnecting', NO_TAG)];
    const [connected, reconnecting] = sets.map((set) => keys.push(set));
    return [keys.push(shard.names(source, 'tag')), NO_TAG.name, Number(connected), Number(reconnecting), 0];
  });
  return { keys, args: [newEpoch, labels, 1, '', 1, member, '', 0, count, ...commands, ...recounts] };
}
