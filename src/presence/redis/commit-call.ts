// Changesets as the keys and arguments of commit.lua.
import type { Changeset, IndexEntry } from '../presence-store.js';
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
  const keys = [shard.tags, shard.epoch, shard.changes];
  const entries: string[] = [];
  for (const { participantId, before, changes } of changesets) {
    keys.push(shard.record(participantId));
    args.push(before?.record ?? '');
    if (changes !== null) entries.push(changes);
  }
  const moves = new Moves(shard, keys);
  for (const { participantId, before, after } of changesets) {
    args.push(after?.record ?? '');
    moves.add(participantId, before?.index, after?.index);
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
  /** Under a tag; under none: of everybody. */
  readonly #sets = new Map<string | undefined, Partial<Record<SetName, IndexMoves>>>();
  readonly #all: IndexMoves[] = [];
  /** Those under which somebody has come or gone. */
  readonly #tags = new Set<string>();

  constructor(
    private readonly shard: Shard,
    private readonly keys: string[],
  ) {
    this.#due = this.#index(shard.due);
  }

  add(participantId: string, before: IndexEntry | undefined, after: IndexEntry | undefined): void {
    if (after && before?.dueMs !== after.dueMs) this.#due.added.push(after.dueMs, participantId);
    if (!after) this.#due.removed.push(participantId);
    this.#under(undefined, participantId, before, after);
    const [oldTag, newTag] = [before?.tag, after?.tag];
    if (oldTag !== undefined) this.#under(oldTag, participantId, before, oldTag === newTag ? after : undefined);
    if (newTag !== undefined && oldTag !== newTag) this.#under(newTag, participantId, undefined, after);
  }

  /** The commands, and the tags to recount. */
  pushTo(args: (string | number)[]): void {
    const place = args.push(0) - 1;
    let count = 0;
    for (const index of this.#all) {
      count += pushCommands(args, 'ZREM', index.place, index.removed);
      count += pushCommands(args, 'ZADD', index.place, index.added);
    }
    args[place] = count;
    for (const tag of this.#tags) {
      const [connected, reconnecting] = [this.#set('connected', tag), this.#set('reconnecting', tag)];
      // Score and member.
      const came = (connected.added.length + reconnecting.added.length) / 2;
      args.push(tag, connected.place, reconnecting.place, came);
    }
  }

  /** In the sets of one tag, or of everybody. */
  #under(
    tag: string | undefined,
    participantId: string,
    before: IndexEntry | undefined,
    after: IndexEntry | undefined,
  ) {
    if (before?.state !== after?.state) {
      if (before) this.#set(before.state, tag).removed.push(participantId);
      if (tag !== undefined) this.#tags.add(tag);
    }
    if (after && (before?.state !== after.state || before.sinceMs !== after.sinceMs)) {
      this.#set(after.state, tag).added.push(after.sinceMs, participantId);
    }
    const [was, is] = [presentDevices(before), presentDevices(after)];
    if (was !== 0 && is === 0) this.#set('none', tag).added.push(0, participantId);
    if (was === 0 && is !== 0) this.#set('none', tag).removed.push(participantId);
    for (let n = Math.max(is, 1) + 1; n <= was; n += 1) this.#set('more', tag).removed.push(`${n}:${participantId}`);
    for (let n = Math.max(was, 1) + 1; n <= is; n += 1) this.#set('more', tag).added.push(0, `${n}:${participantId}`);
  }

  #set(set: SetName, tag: string | undefined): IndexMoves {
    let sets = this.#sets.get(tag);
    if (!sets) {
      sets = {};
      this.#sets.set(tag, sets);
    }
    sets[set] ??= this.#index(this.shard.set(set, tag));
    return sets[set];
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
