// Finds participants whose presence is in doubt: follows the change feed, and computes for each change when the provider should be
// asked. What happens while nobody holds the lease is covered by the next list.
import type { Logger } from 'pino';
import { askAtMs } from '../domain/questions.js';
import type { SourceName } from '../domain/subject.js';
import type { FeedHub } from '../feed/feed-hub.js';
import { Follower, type PositionedChange } from '../feed/follower.js';
import type { Clock } from '../runtime/clock.js';
import { delay } from '../runtime/delay.js';
import type { ObservedSource } from '../sources/registry.js';
import { keyOf, type SubjectKey } from '../storage/encoding/subject-key.js';
import type { FeedStore } from '../storage/ports.js';
import type { Lookups } from './lookups.js';
import type { ObservationRecorder } from './observation-recorder.js';

const RETRY_MS = 1_000;
const BATCH_SIZE = 128;

interface Parts {
  readonly feed: FeedStore;
  readonly hub: FeedHub;
  readonly recorder: ObservationRecorder;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

interface Asked {
  readonly source: ObservedSource;
  readonly lookups: Lookups;
}

export class Doubts {
  readonly #asked: ReadonlyMap<SourceName, Asked>;
  readonly #changed = new Set<SubjectKey>();
  #examining: Promise<void> | undefined;

  constructor(
    private readonly parts: Parts,
    asked: readonly Asked[],
  ) {
    this.#asked = new Map(asked.map((one) => [one.source.name, one]));
  }

  /** Ends when the signal is aborted. */
  async run(): Promise<void> {
    const { clock, signal, log } = this.parts;
    while (!signal.aborted) {
      try {
        await this.#follow();
      } catch (error) {
        // The store is unavailable, which it logs itself.
        log.debug({ reason: (error as Error).message }, 'the change feed cannot be followed for reconciliation');
      }
      await delay(clock, RETRY_MS, signal);
    }
    await this.#examining;
  }

  /** Resolves when its position is gone, or the signal is aborted. */
  async #follow(): Promise<void> {
    const { feed, hub, signal } = this.parts;
    const end = await feed.end();
    const gone = new AbortController();
    const listener = {
      onChanges: (changes: readonly PositionedChange[]) => this.#take(changes),
      onGone: () => gone.abort(),
    };
    const follower = new Follower(end, {}, listener);
    if (signal.aborted || !hub.join(follower)) return;
    const either = AbortSignal.any([gone.signal, signal]);
    await new Promise<void>((resolve) => either.addEventListener('abort', () => resolve(), { once: true }));
    hub.leave(follower);
  }

  #take(changes: readonly PositionedChange[]): void {
    for (const { change } of changes) {
      const { subject, type, isDoubtful = false } = change;
      const asked = this.#asked.get(subject.source);
      if (!asked) continue;
      const key = keyOf(subject);
      // Nothing is in doubt about somebody who has just connected.
      const isPlain = !isDoubtful && (type === 'participant.connected' || type === 'device.connected');
      if (!isPlain || asked.lookups.isScheduled(key)) this.#changed.add(key);
    }
    if (this.#changed.size > 0) this.#examining ??= this.#examineAll();
  }

  async #examineAll(): Promise<void> {
    const { recorder, log, signal } = this.parts;
    try {
      while (this.#changed.size > 0 && !signal.aborted) {
        const keys = [...this.#changed].slice(0, BATCH_SIZE);
        for (const key of keys) this.#changed.delete(key);
        const records = await recorder.load(keys);
        for (const [index, record] of records.entries()) {
          const asked = record && this.#asked.get(record.subject.source);
          if (asked) asked.lookups.askAt(keys[index] as SubjectKey, askAtMs(record, asked.source.policy));
        }
      }
    } catch (error) {
      this.#changed.clear();
      log.debug({ reason: (error as Error).message }, 'records cannot be examined for reconciliation');
    } finally {
      this.#examining = undefined;
    }
  }
}
