// How far a reader of the feed has come. Callers hand it back as text, and resume exactly there.
import { randomUUID } from 'node:crypto';

/** In one shard of the store: the newest entry of which anything was read. */
export interface FeedPlace {
  /** Names the data of the feed: another one where the store has lost it, or is another store. */
  readonly epoch: string;
  readonly entry: string;
  /** How many of the entry's changes were read; undefined: all of them. */
  readonly taken?: number;
}

/** One place for each shard, in their order. */
export type FeedPosition = readonly FeedPlace[];

const PLACE = /^([\da-f]{12})\.(\d{1,16}(?:-\d{1,16})?)(?:\.(\d{1,4}))?$/;

export function newEpoch(): string {
  return randomUUID().slice(-12);
}

/** Letters, digits and any of `. - _`, about 30 of them a shard: nothing that a URL, a header or a log would change. */
export function formatPosition(position: FeedPosition): string {
  return position.map(formatPlace).join('_');
}

/** undefined: not what `formatPosition` makes. */
export function parsePosition(text: string): FeedPosition | undefined {
  const places = text.split('_').map(parsePlace);
  return places.every((place) => place !== undefined) ? places : undefined;
}

function formatPlace({ epoch, entry, taken }: FeedPlace): string {
  return taken === undefined ? `${epoch}.${entry}` : `${epoch}.${entry}.${taken}`;
}

/** The position of a reader that was at `position` and has now come to `place` in that shard. */
export function moveTo(position: FeedPosition, shard: number, place: FeedPlace): FeedPosition {
  return position.length === 1 ? [place] : position.with(shard, place);
}

/** Whether a reader at `position` has read all up to `place` in that shard. False between two epochs. */
export function isPast(position: FeedPosition, shard: number, place: FeedPlace): boolean {
  const reached = position[shard];
  if (reached?.epoch !== place.epoch) return false;
  const order = compareEntries(reached.entry, place.entry);
  return order > 0 || (order === 0 && takenOf(reached) >= takenOf(place));
}

/** The order of two entries of one shard; of two shards it is that of their stores' clocks. */
export function compareEntries(a: string, b: string): number {
  // Nearly always; it is asked for every change and every follower.
  if (a.length === b.length && a.indexOf('-') === b.indexOf('-')) return a === b ? 0 : a < b ? -1 : 1;
  const [aHead = 0, aTail = 0] = a.split('-').map(Number);
  const [bHead = 0, bTail = 0] = b.split('-').map(Number);
  return aHead - bHead || aTail - bTail;
}

function takenOf({ taken }: FeedPlace): number {
  return taken ?? Number.POSITIVE_INFINITY;
}

function parsePlace(text: string): FeedPlace | undefined {
  const [, epoch, entry, taken] = PLACE.exec(text) ?? [];
  if (epoch === undefined || entry === undefined) return undefined;
  return { epoch, entry, ...(taken !== undefined && { taken: Number(taken) }) };
}
