// Changesets as the keys and arguments of commit.lua.
import type { SourceName } from '../../domain/subject.js';
import type { SubjectKey } from '../encoding/subject-key.js';
import type { Changeset, Group, IndexEntry } from '../ports.js';
import type { SetName, Shard } from './shard.js';

export interface ScriptCall {
  readonly keys: string[];
  readonly args: (string | number)[];
}

/** Lua passes no more than 8,000 arguments to one command. */
export const MOST_CHANGESETS = 1_000;
const MOST_ARGUMENTS = 4_000;

/** The one call that commits `changesets`, no more than `MOST_CHANGESETS`, all of them of participants in `shard`. */
export function commitCall(shard: Shard, changesets: readonly Changeset[], newEpoch: string): ScriptCall {
  const args: (string | number)[] = [newEpoch, changesets.length];
  const keys = [shard.epoch, shard.changes];
  const entries: string[] = [];
  for (const { key, before, changes } of changesets) {
    keys.push(shard.record(key));
    args.push(before?.record ?? '');
    if (changes !== null) entries.push(changes);
  }
  const moves = new Moves(shard, keys);
  for (const { key, before, after } of changesets) {
    args.push(after?.record ?? '');
    moves.add(key, before?.index, after?.index);
  }
  args.push(entries.length, ...entries);
  moves.pushTo(args);
  return { keys, args };
}

/** What happens to one index. */
interface IndexMoves {
  /** Of its key among the keys of the call, which Lua counts from 1. */
  readonly place: number;
  /** Score and member. */
  readonly added: (string | number)[];
  readonly removed: string[];
}

/**
 * Where participants are found, before and after, as what is to be added and removed: see the keys in shard.ts. What all of
 * them do to one index is one command.
 */
class Moves {
  readonly #due: IndexMoves;
  readonly #sets = new Map<string, IndexMoves>();
  readonly #all: IndexMoves[] = [];
  /** Those of which a new participant is stored. */
  readonly #newSources = new Set<SourceName>();
  /** The tags under which somebody has come or gone, by a key of theirs. */
  readonly #tags = new Map<string, { readonly source: SourceName; readonly group: Group }>();

  constructor(
    private readonly shard: Shard,
    private readonly keys: string[],
  ) {
    this.#due = this.#index(shard.due);
  }

  add(key: SubjectKey, before: IndexEntry | undefined, after: IndexEntry | undefined): void {
    if (after && before?.dueMs !== after.dueMs) this.#due.added.push(after.dueMs, key);
    if (!after) this.#due.removed.push(key);
    const source = (after ?? before)?.source;
    if (source === undefined) return;
    if (!before) this.#newSources.add(source);
    this.#in(source, undefined, key, before, after);
    for (const group of before?.groups ?? []) {
      const stays = after?.groups.some(({ kind, name }) => kind === group.kind && name === group.name);
      this.#in(source, group, key, before, stays ? after : undefined);
    }
    for (const group of after?.groups ?? []) {
      const wasThere = before?.groups.some(({ kind, name }) => kind === group.kind && name === group.name);
      if (!wasThere) this.#in(source, group, key, undefined, after);
    }
  }

  /** The commands, and the tags to recount. */
  pushTo(args: (string | number)[]): void {
    const place = args.push(0) - 1;
    let count = 0;
    if (this.#newSources.size > 0) {
      count += pushCommands(args, 'SADD', this.keys.push(this.shard.sources), [...this.#newSources]);
    }
    for (const index of this.#all) {
      count += pushCommands(args, 'ZREM', index.place, index.removed);
      count += pushCommands(args, 'ZADD', index.place, index.added);
    }
    args[place] = count;
    for (const { source, group } of this.#tags.values()) {
      const [connected, reconnecting] = [
        this.#set(source, 'connected', group),
        this.#set(source, 'reconnecting', group),
      ];
      // Score and member.
      const came = (connected.added.length + reconnecting.added.length) / 2;
      const tags = this.keys.push(this.shard.tags(source));
      args.push(tags, group.name, connected.place, reconnecting.place, came);
    }
  }

  /** In the sets of one group, or of everybody of the source. */
  #in(
    source: SourceName,
    group: Group | undefined,
    key: SubjectKey,
    before: IndexEntry | undefined,
    after: IndexEntry | undefined,
  ) {
    const set = (name: SetName) => this.#set(source, name, group);
    if (before?.state !== after?.state) {
      if (before) set(before.state).removed.push(key);
      if (group?.kind === 'tag') this.#tags.set(this.shard.set(source, 'connected', group), { source, group });
    }
    if (after && (before?.state !== after.state || before.sinceMs !== after.sinceMs)) {
      set(after.state).added.push(after.sinceMs, key);
    }
    const [was, is] = [presentDevices(before), presentDevices(after)];
    if (was !== 0 && is === 0) set('none').added.push(0, key);
    if (was === 0 && is !== 0) set('none').removed.push(key);
    for (let n = Math.max(is, 1) + 1; n <= was; n += 1) set('more').removed.push(`${n}:${key}`);
    for (let n = Math.max(was, 1) + 1; n <= is; n += 1) set('more').added.push(0, `${n}:${key}`);
  }

  #set(source: SourceName, name: SetName, group: Group | undefined): IndexMoves {
    const key = this.shard.set(source, name, group);
    let set = this.#sets.get(key);
    if (!set) {
      set = this.#index(key);
      this.#sets.set(key, set);
    }
    return set;
  }

  #index(key: string): IndexMoves {
    const index = { place: this.keys.push(key), added: [], removed: [] };
    this.#all.push(index);
    return index;
  }
}

/** How many there are: none without values. */
function pushCommands(args: (string | number)[], name: string, place: number, values: (string | number)[]): number {
  let count = 0;
  for (let first = 0; first < values.length; first += MOST_ARGUMENTS) {
    const some = values.length <= MOST_ARGUMENTS ? values : values.slice(first, first + MOST_ARGUMENTS);
    args.push(name, place, some.length, ...some);
    count += 1;
  }
  return count;
}

/** Of a participant who is present; 1 of one who is not, whose devices are in no set: as the least unusual number. */
function presentDevices(entry: IndexEntry | undefined): number {
  return entry && entry.state !== 'gone' ? entry.devices : 1;
}
