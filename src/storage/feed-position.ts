// A position in the feed. Clients send it back as text to resume exactly there.
import { randomUUID } from 'node:crypto';
import { packPosition, unpackPosition } from './packed-position.js';

/** The part of a position that concerns one shard: the newest entry that was read, at least in part. */
export interface ShardPosition {
  /** Identifies the data of the feed. Differs if the store has lost its data, or is a different store. May be abbreviated. */
  readonly epoch: string;
  readonly entry: string;
  /** How many changes of the entry were read; undefined: all. */
  readonly changeOffset?: number;
}

/** In the order of the shards. */
export type FeedPosition = readonly ShardPosition[];

const SHARD_POSITION = /^([\da-f]{12})\.(\d{1,16}(?:-\d{1,16})?)(?:\.(\d{1,4}))?$/;

export function newEpoch(): string {
  return randomUUID().slice(-12);
}

/** Letters, digits and `. - _`, about 30 characters, or about 100 for 16 shards: safe in URLs, headers and logs. */
export function formatPosition(position: FeedPosition): string {
  const [only] = position;
  return only && position.length === 1 ? formatShardPosition(only) : packPosition(position);
}

/** undefined: not a result of `formatPosition`. Epochs may be abbreviated. */
export function parsePosition(text: string): FeedPosition | undefined {
  const only = parseShardPosition(text);
  return only ? [only] : unpackPosition(text);
}

/** Either may be abbreviated. */
export function isSameEpoch(a: string, b: string): boolean {
  return a === b || (a !== '' && b !== '' && (a.startsWith(b) || b.startsWith(a)));
}

function formatShardPosition({ epoch, entry, changeOffset }: ShardPosition): string {
  return changeOffset === undefined ? `${epoch}.${entry}` : `${epoch}.${entry}.${changeOffset}`;
}

/** `position` advanced to `target` in one shard. */
export function moveTo(position: FeedPosition, shard: number, target: ShardPosition): FeedPosition {
  return position.length === 1 ? [target] : position.with(shard, target);
}

/** Whether a reader at `position` has read everything up to `target` in that shard. False if the epochs differ. */
export function isPast(position: FeedPosition, shard: number, target: ShardPosition): boolean {
  const reached = position[shard];
  if (!reached || !isSameEpoch(reached.epoch, target.epoch)) return false;
  const order = compareEntries(reached.entry, target.entry);
  return order > 0 || (order === 0 && changeOffsetOf(reached) >= changeOffsetOf(target));
}

/** Whether a reader at `position` has read everything up to `target` in all shards. */
export function hasReached(position: FeedPosition, target: FeedPosition): boolean {
  return target.every((one, shard) => isPast(position, shard, one));
}

/** Compares entry ids. Across shards this is the order of their servers' clocks. */
export function compareEntries(a: string, b: string): number {
  // Fast path: this runs for every change and every follower.
  if (a.length === b.length && a.indexOf('-') === b.indexOf('-')) return a === b ? 0 : a < b ? -1 : 1;
  const [aHead = 0, aTail = 0] = a.split('-').map(Number);
  const [bHead = 0, bTail = 0] = b.split('-').map(Number);
  return aHead - bHead || aTail - bTail;
}

/** When an entry was committed, by the clock of its store. Entries of Redis are named in milliseconds, those of SQLite in microseconds. */
export function committedAtMs({ entry }: ShardPosition): number {
  const [time = '', sequence] = entry.split('-');
  return sequence === undefined ? Math.floor(Number(time) / 1_000) : Number(time);
}

function changeOffsetOf({ changeOffset }: ShardPosition): number {
  return changeOffset ?? Number.POSITIVE_INFINITY;
}

function parseShardPosition(text: string): ShardPosition | undefined {
  const [, epoch, entry, changeOffset] = SHARD_POSITION.exec(text) ?? [];
  if (epoch === undefined || entry === undefined) return undefined;
  return { epoch, entry, ...(changeOffset !== undefined && { changeOffset: Number(changeOffset) }) };
}
