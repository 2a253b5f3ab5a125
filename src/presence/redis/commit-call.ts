// Changesets as the keys and arguments of commit.lua.
import type { Changeset } from '../presence-store.js';
import type { Membership, Shard } from './shard.js';

export interface ScriptCall {
  readonly keys: string[];
  readonly args: (string | number)[];
}

/** The one call that commits `changesets`, all of them of participants in `shard`. */
export function commitCall(shard: Shard, changesets: readonly Changeset[], newEpoch: string): ScriptCall {
  const keys = new Map<string, number>([shard.tags, shard.epoch, shard.changes].map((key, index) => [key, index + 1]));
  const placeOf = (key: string): number => {
    const place = keys.get(key) ?? keys.size + 1;
    keys.set(key, place);
    return place;
  };
  const args: (string | number)[] = [newEpoch];
  for (const { participantId, before, after, changes } of changesets) {
    args.push(placeOf(shard.record(participantId)), before?.record ?? '', after?.record ?? '');
    const moves = difference(
      shard.memberships(participantId, before?.index),
      shard.memberships(participantId, after?.index),
    );
    args.push(moves.length, ...moves.flatMap(({ key, member, score }) => [placeOf(key), member, score]));
    const tags = moves.length > 0 ? distinct([before?.index.tag, after?.index.tag]) : [];
    args.push(tags.length);
    for (const tag of tags) {
      args.push(tag, placeOf(shard.set('connected', tag)), placeOf(shard.set('reconnecting', tag)));
    }
    args.push(changes ?? '');
  }
  return { keys: [...keys.keys()], args };
}

interface Move extends Omit<Membership, 'score'> {
  readonly score: number | '';
}

function difference(before: readonly Membership[], after: readonly Membership[]): Move[] {
  const same = (a: Membership, b: Membership) => a.key === b.key && a.member === b.member;
  const removed = before.filter((old) => !after.some((now) => same(old, now)));
  const added = after.filter((now) => !before.some((old) => same(old, now) && old.score === now.score));
  return [...removed.map(({ key, member }) => ({ key, member, score: '' as const })), ...added];
}

function distinct(tags: readonly (string | undefined)[]): string[] {
  return [...new Set(tags)].filter((tag) => tag !== undefined);
}
