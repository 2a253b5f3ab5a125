// A history of participants who come, move from tag to tag and leave, committed to a store while occupancy is tracked, and what was so
// at each moment, by counting.

import { pino } from 'pino';
import type { Change, ChangeType } from '../../src/domain/change.js';
import type { ParticipantState } from '../../src/domain/presence-view.js';
import { FeedReader } from '../../src/feed/feed-reader.js';
import { encodeChanges } from '../../src/storage/encoding/change-codec.js';
import { keyOf } from '../../src/storage/encoding/subject-key.js';
import type { Changeset, Storage } from '../../src/storage/ports.js';
import { StoreUnavailableError } from '../../src/storage/ports.js';
import type { OccupancyEventStore } from '../../src/storage/webhook-ports.js';
import { EventLog } from '../../src/webhooks/occupancy/event-log.js';
import { OccupancyCounts } from '../../src/webhooks/occupancy/occupancy-counts.js';
import { decodeEvent, type NumberedEvent } from '../../src/webhooks/occupancy/occupancy-event.js';
import type { Rule } from '../../src/webhooks/occupancy/rule.js';
import { Tracking } from '../../src/webhooks/occupancy/tracking.js';
import { indexOf } from '../contract/index-entry.js';
import { subjectOf } from '../domain/builders.js';
import type { ManualClock } from '../manual-clock.js';

export const DELAY_MS = 10_000;
const LONG_MS = 86_400_000;
const log = pino({ level: 'silent' });

/** From `fromMs` to `untilMs` nobody was present; undefined: nobody is now. */
interface EmptyInterval {
  readonly fromMs: number;
  readonly untilMs?: number;
}

export class OccupancyHistory {
  readonly #present = new Map<string, { readonly tag: string | undefined; readonly state: ParticipantState }>();
  readonly #stored = new Map<string, NonNullable<Changeset['after']>>();
  readonly #version = new Map<string, number>();
  /** By tag. */
  readonly empty = new Map<string, EmptyInterval[]>();
  /** Those that have ended well: all that was committed before one began was followed. */
  readonly steps: { readonly startMs: number; readonly endMs: number }[] = [];
  /** What happens before and after the reads of the next steps, one at a time. */
  readonly races: (() => unknown)[] = [];
  /** The next write is stored, but its answer is lost. */
  mustLoseAnswer = false;
  wanted: { areTags: boolean; rules: readonly Rule[] } = { areTags: true, rules: [] };
  #tracking: Tracking | undefined;
  #token = 0;
  #log: EventLog | undefined;
  #racing: Promise<unknown> = Promise.resolve();

  constructor(
    readonly storage: Storage,
    readonly clock: ManualClock,
  ) {}

  countOf(tag: string): number {
    return [...this.#present.values()].filter((one) => one.tag === tag && one.state !== 'gone').length;
  }

  /** One millisecond later. `tag`: undefined for none. */
  async set(participant: string, tag: string | undefined, state: ParticipantState): Promise<void> {
    this.clock.advance(1);
    const before = this.#present.get(participant);
    if (before?.tag === tag && before?.state === state) return;
    const tags = new Set([tag, before?.tag].filter((one) => one !== undefined));
    const counts = new Map([...tags].map((one) => [one, this.countOf(one)]));
    const nowMs = this.clock.now();
    const changeset = this.#changeset(participant, tag, state);
    const [outcome] = await this.storage.records.commit([changeset]);
    if (outcome !== 'done') throw new Error(`the commit failed: ${String(outcome)}`);
    this.#stored.set(changeset.key, changeset.after as NonNullable<Changeset['after']>);
    this.#present.set(participant, { tag, state });
    for (const one of tags) this.#note(one, Number(counts.get(one)), nowMs);
  }

  /** Begins to track as another process, which has taken over. The one before does not know yet. */
  async takeOver(): Promise<Tracking> {
    const { leases } = this.storage;
    await leases.release('webhooks', this.#token);
    this.#token = Number(await leases.acquire('webhooks', LONG_MS));
    this.#log = await EventLog.open(this.storage.occupancyEvents, log);
    return this.#load();
  }

  async want(wanted: Partial<OccupancyHistory['wanted']>): Promise<void> {
    this.wanted = { ...this.wanted, ...wanted };
    await this.#tracking?.want(this.wanted);
  }

  /** Everything that was committed is followed, unless the store fails, after which it is loaded again. */
  async step(): Promise<void> {
    try {
      const tracking = this.#tracking ?? (await this.takeOver());
      const startMs = this.clock.now();
      while ((await tracking.step()) === 'more');
      this.steps.push({ startMs, endMs: this.clock.now() });
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      await this.#load();
    }
  }

  async told(): Promise<NumberedEvent[]> {
    return (await this.storage.occupancyEvents.events(0, 10_000)).map((one) => decodeEvent(one) as NumberedEvent);
  }

  async #load(): Promise<Tracking> {
    const store = this.#unreliable(this.storage.occupancyEvents);
    const [feed, index] = [this.#raced(this.storage.feed), this.#raced(this.storage.index)];
    this.#tracking = await Tracking.load({
      store,
      log: this.#log as EventLog,
      feed,
      reader: new FeedReader(feed, log),
      counts: new OccupancyCounts(index),
      clock: this.clock,
      lease: { name: 'webhooks', token: this.#token },
      logger: log,
      vacatedDelayMs: DELAY_MS,
      onDerived: () => {},
    });
    try {
      await this.#tracking.want(this.wanted);
      return this.#tracking;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      return this.#load();
    }
  }

  #note(tag: string, before: number, nowMs: number): void {
    const intervals = this.empty.get(tag) ?? [];
    const count = this.countOf(tag);
    if (before > 0 && count === 0) this.empty.set(tag, [...intervals, { fromMs: nowMs }]);
    if (before === 0 && count > 0) {
      const last = intervals.at(-1);
      // Before anybody has come, a tag is not empty, but unknown.
      if (last) this.empty.set(tag, [...intervals.slice(0, -1), { ...last, untilMs: nowMs }]);
      else this.empty.set(tag, []);
    }
  }

  #changeset(participantId: string, tag: string | undefined, state: ParticipantState): Changeset {
    const subject = subjectOf({ participant: participantId });
    const key = keyOf(subject);
    const before = this.#present.get(participantId);
    const version = (this.#version.get(participantId) ?? 0) + 1;
    this.#version.set(participantId, version);
    const isSameState = before?.state === state;
    const change: Change = {
      type: `participant.${isSameState ? 'updated' : state}` as ChangeType,
      subject,
      ...(tag !== undefined && { tag }),
      ...(before?.tag !== undefined && before.tag !== tag && { previousTag: before.tag }),
      state,
      previousState: before?.state ?? null,
      ...(state === 'gone' && { cause: 'left' as const }),
      sinceMs: this.clock.now(),
      occurredAtMs: this.clock.now(),
      receivedAtMs: this.clock.now(),
      version,
    };
    const index = indexOf({ state, sinceMs: this.clock.now(), ...(tag !== undefined && { tag }) });
    const record = `${participantId} ${version}`;
    return { key, before: this.#stored.get(key) ?? null, after: { record, index }, changes: encodeChanges([change]) };
  }

  #raced<T extends object>(port: T): T {
    // One after the other, although reads are made at the same time.
    const race = () => {
      this.#racing = this.#racing.then(() => this.races.shift()?.());
      return this.#racing;
    };
    return new Proxy(port, {
      get:
        (target, name) =>
        async (...args: unknown[]) => {
          await race();
          const result = await (Reflect.get(target, name) as (...args: unknown[]) => unknown).apply(target, args);
          await race();
          return result;
        },
    });
  }

  #unreliable(store: OccupancyEventStore): OccupancyEventStore {
    return {
      state: () => store.state(),
      tags: () => store.tags(),
      events: (after, limit) => store.events(after, limit),
      newestNumber: (beforeMs) => store.newestNumber(beforeMs),
      save: async (lease, update, limits) => {
        const isStored = await store.save(lease, update, limits);
        if (!this.mustLoseAnswer) return isStored;
        this.mustLoseAnswer = false;
        throw new StoreUnavailableError('the answer is lost');
      },
    };
  }
}
