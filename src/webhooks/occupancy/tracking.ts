// Derives events about tags and rules from the feed and the counts of the store. What it knows is stored together with what it has
// derived, so that another process goes on exactly there. After an error it must be loaded again.
import type { Logger } from 'pino';
import type { FeedReader } from '../../feed/feed-reader.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import { type FeedPosition, hasReached } from '../../storage/feed-position.js';
import type { FeedStore } from '../../storage/ports.js';
import { positionAfterGap } from '../delivery/feed-gap.js';
import { EventWriter, type WriterParts } from './event-writer.js';
import type { OccupancyCounts } from './occupancy-counts.js';
import type { DerivedEvent } from './occupancy-event.js';
import { occupiedBefore } from './occupied-tags.js';
import { concernsTag, type Rule } from './rule.js';
import { RuleStates } from './rule-states.js';
import { TagStates } from './tag-states.js';
import { type TouchedTag, touchedTags } from './touched-tags.js';
import { decodeTrackerState, encodeTrackerState, type TrackerState } from './tracker-state.js';

/** Entries of the feed in one step. */
const BATCH_SIZE = 512;
/** How often the position is stored while nothing else changes. */
const SAVE_MS = 5_000;
/** How often all tags and rules are compared with the store, for what no change of the feed says, such as a purge. */
const SWEEP_MS = 60_000;
/** A rule is counted once in this time, however many changes concern it. */
const MIN_COUNT_MS = 1_000;

export interface TrackingParts extends WriterParts {
  readonly reader: FeedReader;
  readonly feed: FeedStore;
  readonly counts: OccupancyCounts;
  readonly logger: Logger;
  /** How long a tag must be empty before that is told. */
  readonly vacatedDelayMs: number;
  readonly onDerived: (events: readonly DerivedEvent[]) => void;
}

/** What is asked for. */
export interface Wanted {
  readonly areTags: boolean;
  /** Where the feed was when tags were asked for first; undefined: where it is now. */
  readonly tagsFrom?: FeedPosition | undefined;
  readonly rules: readonly Rule[];
}

export class Tracking {
  #position: FeedPosition;
  #areTagsKnown: boolean;
  readonly #tags: TagStates;
  readonly #rules: RuleStates;
  /** Derived, and not stored yet. */
  #events: DerivedEvent[] = [];
  /** Whether there is more to store than the position. */
  #isChanged = false;
  #savedAtMs = Number.NEGATIVE_INFINITY;
  #sweptAtMs = Number.NEGATIVE_INFINITY;
  /** An end of the feed, and a time before it was found out. */
  #end: { readonly position: FeedPosition; readonly atMs: number } | undefined;
  /** Rules that changes concern, which were read after they were counted. */
  readonly #touchedRules = new Set<string>();
  readonly #countedAtMs = new Map<string, number>();
  #readUntilMs: number | undefined;

  private constructor(
    private readonly parts: TrackingParts,
    private readonly writer: EventWriter,
    { position, areTagsKnown, rules }: TrackerState,
    tags: ReadonlyMap<string, number>,
  ) {
    this.#position = position;
    this.#areTagsKnown = areTagsKnown;
    this.#tags = new TagStates(tags);
    this.#rules = new RuleStates(rules);
  }

  /** Rejects with StoreUnavailableError, as do all methods. */
  static async load(parts: TrackingParts): Promise<Tracking> {
    const writer = await EventWriter.open(parts);
    const { stored } = writer;
    const state =
      stored === null
        ? { position: await parts.feed.end(), areTagsKnown: false, rules: [] }
        : decodeTrackerState(stored);
    return new Tracking(parts, writer, state, await parts.store.tags());
  }

  /** Until when everything was read; undefined: not known. */
  get readUntilMs(): number | undefined {
    return this.#readUntilMs;
  }

  /** Resolves with false if the lease is lost. */
  async want({ areTags, tagsFrom, rules }: Wanted): Promise<boolean> {
    const isWanted = areTags || rules.length > 0;
    const wasWanted = this.writer.stored !== null;
    if (!isWanted && !wasWanted && this.#tags.size === 0) return true;
    if (!wasWanted) this.#position = await this.parts.feed.end();
    this.#events.push(...this.#rules.setRules(rules, this.parts.clock.now()));
    if (areTags && !this.#areTagsKnown) await this.#begin(tagsFrom);
    if (!areTags) {
      this.#areTagsKnown = false;
      for (const tag of this.#tags.all) this.#tags.forget(tag);
    }
    this.#isChanged = true;
    return this.#save(isWanted);
  }

  /** Reads some more of the feed, and derives what follows. */
  async step(): Promise<'more' | 'up-to-date' | 'lost'> {
    const { reader, feed, clock, vacatedDelayMs } = this.parts;
    const startMs = clock.now();
    if (!this.#end && this.#tags.hasEmptySince(startMs - vacatedDelayMs)) {
      this.#end = { position: await feed.end(), atMs: startMs };
    }
    const batch = await reader.batch(this.#position, BATCH_SIZE);
    if (batch === null) return this.#skipGap();
    this.#position = batch.position;
    await this.#follow(touchedTags(batch.changes));
    this.#vacate();
    if (batch.isLast && startMs - this.#sweptAtMs >= SWEEP_MS) await this.#sweep();
    await this.#countRules();
    if (!(await this.#save(true))) return 'lost';
    if (!batch.isLast) return 'more';
    this.#readUntilMs = startMs;
    return 'up-to-date';
  }

  async #follow(touched: ReadonlyMap<string, TouchedTag>): Promise<void> {
    const tags = [...touched.keys()];
    for (const rule of this.#rules.rules) {
      if (tags.some((tag) => concernsTag(rule, tag))) this.#touchedRules.add(rule.id);
    }
    if (!this.#areTagsKnown) return;
    for (const [tag, { presentAtMs }] of touched) if (presentAtMs !== undefined) this.#present(tag, presentAtMs);
    await this.#countEmpty(tags.filter((tag) => touched.get(tag)?.mayBeEmpty));
  }

  #present(tag: string, atMs: number): void {
    if (this.#tags.present(tag)) this.#events.push(tagEvent('tag.occupied', tag, atMs));
  }

  async #countEmpty(tags: readonly string[]): Promise<void> {
    const empty = await this.parts.counts.emptyOf(tags);
    // After the counts were read, so that no tag is told to be empty for longer than it is.
    const atMs = this.parts.clock.now();
    for (const tag of empty) this.#tags.countedEmpty(tag, atMs);
  }

  /** A tag that was seen empty, and that nobody has come to up to an end of the feed, was empty all the time in between. */
  #vacate(): void {
    const end = this.#end;
    if (!end || !hasReached(this.#position, end.position)) return;
    this.#end = undefined;
    for (const { tag, sinceMs } of this.#tags.vacateEmptySince(end.atMs - this.parts.vacatedDelayMs)) {
      this.#events.push(tagEvent('tag.vacated', tag, sinceMs));
    }
  }

  async #countRules(): Promise<void> {
    const { clock, counts } = this.parts;
    for (const rule of this.#rules.rules) {
      const nowMs = clock.now();
      const isRecent = nowMs - (this.#countedAtMs.get(rule.id) ?? Number.NEGATIVE_INFINITY) < MIN_COUNT_MS;
      const isTouched = this.#touchedRules.has(rule.id) && !isRecent;
      if (!isTouched && !this.#rules.isDue(rule, nowMs)) continue;
      const value = await counts.valueOf(rule);
      this.#events.push(...this.#rules.counted(rule, value, clock.now()));
      this.#countedAtMs.set(rule.id, nowMs);
      this.#touchedRules.delete(rule.id);
    }
  }

  /** Compares what is known with the store. */
  async #sweep(): Promise<void> {
    this.#sweptAtMs = this.parts.clock.now();
    for (const { id } of this.#rules.rules) this.#touchedRules.add(id);
    if (!this.#areTagsKnown) return;
    const occupied = await this.parts.counts.occupiedTags();
    for (const tag of occupied) this.#present(tag, this.parts.clock.now());
    await this.#countEmpty(this.#tags.occupied.filter((tag) => !occupied.has(tag)));
  }

  /** Tags that are occupied already are not told. */
  async #begin(from: FeedPosition | undefined): Promise<void> {
    const { tags, position } = await occupiedBefore(this.parts, from);
    for (const tag of this.#tags.all) if (!tags.has(tag)) this.#tags.forget(tag);
    for (const tag of tags) this.#tags.present(tag);
    this.#position = position;
    this.#areTagsKnown = true;
    this.#end = undefined;
  }

  /** What the feed no longer has cannot be told. Who is there now is read from the store. */
  async #skipGap(): Promise<'more' | 'lost'> {
    const { feed, logger } = this.parts;
    const from = this.#position;
    this.#position = await positionAfterGap(feed, from);
    logger.warn({ from, to: this.#position }, 'the feed no longer has changes that occupancy should have followed');
    this.#end = undefined;
    for (const tag of this.#tags.empty) this.#tags.doubtEmpty(tag);
    await this.#sweep();
    this.#isChanged = true;
    return (await this.#save(true)) ? 'more' : 'lost';
  }

  /** Resolves with false if the lease is lost. */
  async #save(isWanted: boolean): Promise<boolean> {
    const { clock, onDerived } = this.parts;
    const tags = this.#tags.takeChanged();
    const events = this.#events;
    const areRulesChanged = this.#rules.takeChanged();
    const mustSave = this.#isChanged || areRulesChanged || tags.size > 0 || events.length > 0;
    if (!mustSave && clock.now() - this.#savedAtMs < SAVE_MS) return true;
    const state = isWanted ? this.#encode() : null;
    if (!mustSave && state === this.writer.stored) return true;
    if (!(await this.writer.write({ state, tags, events }))) return false;
    this.#events = [];
    this.#isChanged = false;
    this.#savedAtMs = clock.now();
    onDerived(events);
    return true;
  }

  #encode(): string {
    return encodeTrackerState({
      position: this.#position,
      areTagsKnown: this.#areTagsKnown,
      rules: this.#rules.states,
    });
  }
}

function tagEvent(type: 'tag.occupied' | 'tag.vacated', tag: string, sinceMs: number): DerivedEvent {
  return { type, key: `tag ${tag}`, tag, data: { type, tag, since: rfc3339(sinceMs) } };
}
