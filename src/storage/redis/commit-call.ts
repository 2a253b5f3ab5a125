// Encodes changesets as the keys and arguments of commit.lua.
import { isPresent } from '../../domain/presence-view.js';
import type { SourceName } from '../../domain/subject.js';
import type { SubjectKey } from '../encoding/subject-key.js';
import { groupsIn, type LabelIndexState, parseLabelIndex } from '../label-index.js';
import type { Changeset, Group, IndexEntry } from '../ports.js';
import type { SetName, Shard } from './shard.js';

export interface ScriptCall {
  readonly keys: string[];
  readonly args: (string | number)[];
}

/** Lua's unpack fails beyond about 8,000 values. */
export const MAX_CHANGESETS = 1_000;
const MAX_ARGUMENTS = 4_000;

/** `changesets`: at most `MAX_CHANGESETS`, all in `shard`. `labels`: as stored, which labels are indexed. */
export function commitCall(
  shard: Shard,
  changesets: readonly Changeset[],
  labels: string,
  newEpoch: string,
): ScriptCall {
  const args: (string | number)[] = [newEpoch, labels, changesets.length];
  const keys = [shard.epoch, shard.changes, shard.due, shard.labels];
  const entries: string[] = [];
  for (const { key, before, changes } of changesets) {
    keys.push(shard.record(key));
    args.push(before?.record ?? '');
    if (changes !== null) entries.push(changes);
  }
  const added = changesets.flatMap(({ key, before, after }) => (after && !before ? [key] : []));
  args.push(added.length, ...added);
  const updates = new IndexUpdates(shard, keys, parseLabelIndex(labels));
  for (const { key, before, after } of changesets) {
    args.push(after?.record ?? '');
    updates.add(key, before?.index, after?.index);
  }
  args.push(entries.length, ...entries);
  updates.appendTo(args);
  return { keys, args };
}

interface IndexUpdate {
  /** Index into KEYS, from 1. */
  readonly keyIndex: number;
  /** Alternating scores and members. */
  readonly added: (string | number)[];
  readonly removed: string[];
}

/** The sets of one group, or of a whole source, as far as a commit changes them. */
interface GroupSets {
  readonly source: SourceName;
  readonly group: Group | undefined;
  readonly sets: Partial<Record<SetName, IndexUpdate>>;
  /** Whether a participant has joined or left the group. */
  isChanged: boolean;
}

/**
 * Collects what a commit adds to and removes from the indexes (see the keys in shard.ts), so that each index needs only one
 * command of each kind.
 */
class IndexUpdates {
  readonly #due: IndexUpdate;
  readonly #groups = new Map<string, GroupSets>();
  readonly #all: IndexUpdate[] = [];
  /** Sources of new participants. */
  readonly #newSources = new Set<SourceName>();

  constructor(
    private readonly shard: Shard,
    private readonly keys: string[],
    private readonly indexed: LabelIndexState,
  ) {
    this.#due = this.#indexAt(keys.indexOf(shard.due) + 1);
  }

  add(key: SubjectKey, before: IndexEntry | undefined, after: IndexEntry | undefined): void {
    if (after && before?.dueMs !== after.dueMs) this.#due.added.push(after.dueMs, key);
    if (!after) this.#due.removed.push(key);
    const source = (after ?? before)?.source;
    if (source === undefined) return;
    if (!before) this.#newSources.add(source);
    this.#updateSets(source, undefined, key, before, after);
    const [old, current] = [this.#groupsOf(before), this.#groupsOf(after)];
    for (const group of old) {
      this.#updateSets(source, group, key, before, isAmong(current, group) ? after : undefined);
    }
    for (const group of current) if (!isAmong(old, group)) this.#updateSets(source, group, key, undefined, after);
    if (before?.labels || after?.labels) this.#rebuild(source, key, before, after);
  }

  #groupsOf(entry: IndexEntry | undefined): readonly Group[] {
    if (!entry?.labels) return entry?.groups ?? [];
    return [...entry.groups, ...groupsIn(this.indexed, entry.labels, 'complete')];
  }

  /** Of labels that are not completely indexed yet, or no longer, it is not known whether the participant is in their sets. */
  #rebuild(source: SourceName, key: SubjectKey, before: IndexEntry | undefined, after: IndexEntry | undefined): void {
    for (const group of groupsIn(this.indexed, before?.labels, 'building', 'dropping')) {
      this.#updateSets(source, group, key, before, undefined);
    }
    for (const group of groupsIn(this.indexed, after?.labels, 'building')) {
      this.#updateSets(source, group, key, undefined, after);
    }
  }

  /** Appends the commands, and the tags and labels to recount. */
  appendTo(args: (string | number)[]): void {
    const countPosition = args.push(0) - 1;
    let count = 0;
    if (this.#newSources.size > 0) {
      count += appendCommands(args, 'SADD', this.keys.push(this.shard.sources), [...this.#newSources]);
    }
    for (const index of this.#all) {
      count += appendCommands(args, 'ZREM', index.keyIndex, index.removed);
      count += appendCommands(args, 'ZADD', index.keyIndex, index.added);
    }
    args[countPosition] = count;
    for (const changed of this.#groups.values()) {
      const { source, group, isChanged } = changed;
      if (!isChanged || !(group?.kind === 'tag' || group?.kind === 'label')) continue;
      const [connected, reconnecting] = [this.#set(changed, 'connected'), this.#set(changed, 'reconnecting')];
      const addedCount = (connected.added.length + reconnecting.added.length) / 2;
      const names = this.keys.push(this.shard.names(source, group.kind));
      args.push(names, group.name, connected.keyIndex, reconnecting.keyIndex, addedCount);
    }
  }

  /** Updates the sets of one group, or those of the whole source. */
  #updateSets(
    source: SourceName,
    group: Group | undefined,
    key: SubjectKey,
    before: IndexEntry | undefined,
    after: IndexEntry | undefined,
  ) {
    const sets = this.#setsOf(source, group);
    const set = (name: SetName) => this.#set(sets, name);
    if (before?.state !== after?.state) {
      if (before) set(before.state).removed.push(key);
      sets.isChanged = true;
    }
    if (after && (before?.state !== after.state || before.sinceMs !== after.sinceMs)) {
      set(after.state).added.push(after.sinceMs, key);
    }
    const [knownBefore, known] = [before?.availability, after?.availability];
    if (knownBefore && knownBefore.value !== known?.value) set(knownBefore.value).removed.push(key);
    if (known && (knownBefore?.value !== known.value || knownBefore.sinceMs !== known.sinceMs)) {
      set(known.value).added.push(known.sinceMs, key);
    }
    const [was, is] = [presentDevices(before), presentDevices(after)];
    if (was !== 0 && is === 0) set('none').added.push(0, key);
    if (was === 0 && is !== 0) set('none').removed.push(key);
    for (let n = Math.max(is, 1) + 1; n <= was; n += 1) set('more').removed.push(`${n}:${key}`);
    for (let n = Math.max(was, 1) + 1; n <= is; n += 1) set('more').added.push(0, `${n}:${key}`);
  }

  #setsOf(source: SourceName, group: Group | undefined): GroupSets {
    const id = group ? `${source}:${group.kind}:${group.name}` : source;
    let found = this.#groups.get(id);
    if (!found) {
      found = { source, group, sets: {}, isChanged: false };
      this.#groups.set(id, found);
    }
    return found;
  }

  #set({ source, group, sets }: GroupSets, name: SetName): IndexUpdate {
    sets[name] ??= this.#index(this.shard.set(source, name, group));
    return sets[name];
  }

  #index(key: string): IndexUpdate {
    return this.#indexAt(this.keys.push(key));
  }

  #indexAt(keyIndex: number): IndexUpdate {
    const index = { keyIndex, added: [], removed: [] };
    this.#all.push(index);
    return index;
  }
}

function isAmong(groups: readonly Group[], { kind, name }: Group): boolean {
  return groups.some((other) => other.kind === kind && other.name === name);
}

/** Returns the number of commands: several if there are many values, none if there are none. */
function appendCommands(
  args: (string | number)[],
  name: string,
  keyIndex: number,
  values: (string | number)[],
): number {
  let count = 0;
  for (let first = 0; first < values.length; first += MAX_ARGUMENTS) {
    const chunk = values.length <= MAX_ARGUMENTS ? values : values.slice(first, first + MAX_ARGUMENTS);
    args.push(name, keyIndex, chunk.length, ...chunk);
    count += 1;
  }
  return count;
}

/** 1 if not present: that needs no entry in the sets that count devices. */
function presentDevices(entry: IndexEntry | undefined): number {
  return entry && isPresent(entry.state) ? entry.devices : 1;
}
