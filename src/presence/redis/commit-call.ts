// Changesets as the keys and arguments of commit.lua.
import type { ParticipantId } from '../domain/lifecycle-event.js';
import type { Changeset, IndexEntry } from '../presence-store.js';
import type { SetName, Shard } from './shard.js';

export interface ScriptCall {
  readonly keys: string[];
  readonly args: (string | number)[];
}

/** The one call that commits `changesets`, all of them of participants in `shard`. */
export function commitCall(shard: Shard, changesets: readonly Changeset[], newEpoch: string): ScriptCall {
  const records = changesets.map(({ participantId }) => shard.record(participantId));
  const places = new Places(shard, [shard.tags, shard.epoch, shard.changes, ...records]);
  const args: (string | number)[] = [newEpoch, changesets.length];
  const moves = new Moves(places);
  for (const { participantId, before, after, changes } of changesets) {
    moves.begin(participantId);
    moves.add(before?.index, after?.index);
    args.push(before?.record ?? '', after?.record ?? '', changes ?? '', participantId, moves.own);
    args.push(moves.others.length / 3, ...moves.others);
  }
  for (const tag of moves.tags) args.push(tag, places.of('connected', tag), places.of('reconnecting', tag));
  return { keys: places.keys, args };
}

/** Keys by their place, which Lua counts from 1. Those of a tag are put together once, however many have it. */
class Places {
  readonly due: number;
  readonly #ofTags = new Map<string | undefined, Partial<Record<SetName, number>>>();

  constructor(
    private readonly shard: Shard,
    readonly keys: string[],
  ) {
    this.due = keys.push(shard.due);
  }

  of(set: SetName, tag: string | undefined): number {
    let places = this.#ofTags.get(tag);
    if (!places) {
      places = {};
      this.#ofTags.set(tag, places);
    }
    places[set] ??= this.keys.push(this.shard.set(set, tag));
    return places[set];
  }
}

/** Where a participant is found, before and after, as what is to be added and removed: see the keys in shard.ts. */
class Moves {
  /** Index and score, or index and -, each with a space behind it: one argument, since Redis and ioredis take long over many. */
  own = '';
  /** Index, score or -, and member. */
  readonly others: (string | number)[] = [];
  /** Those under which somebody has come or gone. */
  readonly tags = new Set<string>();
  #participantId = '' as ParticipantId;

  constructor(private readonly places: Places) {}

  begin(participantId: ParticipantId): void {
    this.#participantId = participantId;
    this.own = '';
    this.others.length = 0;
  }

  add(before: IndexEntry | undefined, after: IndexEntry | undefined): void {
    if (before?.dueMs !== after?.dueMs) this.#move(this.places.due, after?.dueMs);
    this.#under(undefined, before, after);
    const [oldTag, newTag] = [before?.tag, after?.tag];
    if (oldTag !== undefined) this.#under(oldTag, before, oldTag === newTag ? after : undefined);
    if (newTag !== undefined && oldTag !== newTag) this.#under(newTag, undefined, after);
  }

  /** In the sets of one tag, or of everybody. */
  #under(tag: string | undefined, before: IndexEntry | undefined, after: IndexEntry | undefined): void {
    const { places } = this;
    if (before?.state !== after?.state) {
      if (before) this.#move(places.of(before.state, tag));
      if (tag !== undefined) this.tags.add(tag);
    }
    if (after && (before?.state !== after.state || before.sinceMs !== after.sinceMs)) {
      this.#move(places.of(after.state, tag), after.sinceMs);
    }
    const [was, is] = [presentDevices(before), presentDevices(after)];
    if (was !== 0 && is === 0) this.#move(places.of('none', tag), 0);
    if (was === 0 && is !== 0) this.#move(places.of('none', tag));
    for (let n = Math.max(is, 1) + 1; n <= was; n += 1) this.#more(n, tag, '-');
    for (let n = Math.max(was, 1) + 1; n <= is; n += 1) this.#more(n, tag, 0);
  }

  #move(index: number, score: number | '-' = '-'): void {
    this.own += `${index} ${score} `;
  }

  #more(n: number, tag: string | undefined, score: 0 | '-'): void {
    this.others.push(this.places.of('more', tag), score, `${n}:${this.#participantId}`);
  }
}

/** Of a participant who is present; 1 of one who is not, whose devices are in no set: as the least unusual number. */
function presentDevices(entry: IndexEntry | undefined): number {
  return entry && entry.state !== 'gone' ? entry.devices : 1;
}
