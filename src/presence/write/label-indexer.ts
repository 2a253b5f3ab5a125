// Has the labels of INDEXED_LABELS indexed: chooses them at start, and then commits all participants that have labels again, since
// only commits change the index. Meanwhile, queries by labels that are new are answered 503. Several processes may do so at once.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { PARTICIPANT_STATES } from '../../domain/presence-view.js';
import type { SourceName } from '../../domain/subject.js';
import { LOG } from '../../observability/logging.js';
import { systemClock } from '../../runtime/clock.js';
import { onTickEnd } from '../../runtime/tick-batch.js';
import type {
  Changeset,
  LabelIndex,
  PageCursor,
  PageItem,
  PresenceIndex,
  RecordStore,
  Storage,
} from '../../storage/ports.js';
import { LABEL_INDEX, PRESENCE_INDEX, RECORD_STORE, STORAGE } from '../../storage/tokens.js';
import { indexEntry, readRecord } from './changeset.js';

/** A commit of this many blocks the store for a few milliseconds. */
const PAGE_SIZE = 200;
const RETRY_MS = 1_000;

export const INDEXED_LABELS = Symbol('IndexedLabels');

@Injectable()
export class LabelIndexer {
  #isStopped = false;
  #run: Promise<void> = Promise.resolve();
  #cancelRetry = () => {};

  constructor(
    @Inject(LABEL_INDEX) private readonly labels: LabelIndex,
    @Inject(PRESENCE_INDEX) private readonly index: PresenceIndex,
    @Inject(RECORD_STORE) private readonly records: RecordStore,
    @Inject(STORAGE) private readonly storage: Pick<Storage, 'onPossibleLoss'>,
    @Inject(INDEXED_LABELS) private readonly names: readonly string[],
    @Inject(LOG) private readonly log: Logger,
  ) {}

  start(): void {
    // The store may have lost which labels are indexed.
    this.storage.onPossibleLoss(() => this.#start());
    this.#start();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelRetry();
    await this.#run;
  }

  #start(): void {
    this.#cancelRetry();
    this.#run = this.#run.then(() => this.#attempt());
  }

  async #attempt(): Promise<void> {
    if (this.#isStopped) return;
    try {
      const isDone = await this.ensure();
      if (isDone) return;
    } catch (error) {
      this.log.debug({ reason: (error as Error).message }, 'cannot index labels yet');
    }
    // In real time, also if presence uses another clock: the store does not depend on it.
    if (!this.#isStopped) this.#cancelRetry = systemClock.after(RETRY_MS, () => this.#start());
  }

  /** Resolves with false if it was stopped, or other labels were chosen meanwhile. Rejects with StoreUnavailableError. */
  async ensure(): Promise<boolean> {
    const choice = await this.labels.choose(this.names);
    if (choice === null) return true;
    let examined = 0;
    for (const source of await this.index.sources()) {
      for (let after: PageCursor | null = null; !this.#isStopped; ) {
        const { items } = await this.#page(source, after);
        await this.#commitAgain(items);
        examined += items.length;
        after = items.at(-1) ?? null;
        if (items.length < PAGE_SIZE) break;
        // SQLite is synchronous: let other work run between pages.
        await new Promise<void>(onTickEnd);
      }
    }
    if (this.#isStopped || !(await this.labels.complete(choice))) return false;
    if (examined > 0) this.log.info({ labels: this.names, participants: examined }, 'indexed labels');
    return true;
  }

  #page(source: SourceName, after: PageCursor | null) {
    return this.index.page({ states: PARTICIPANT_STATES, source }, after, PAGE_SIZE);
  }

  /** In a conflict, somebody else has committed the participant, which has the same effect. */
  async #commitAgain(items: readonly PageItem[]): Promise<void> {
    const outcomes = await this.records.commit(items.flatMap(unchanged));
    const failure = outcomes.find((outcome) => outcome instanceof Error);
    if (failure) throw failure;
  }
}

/** Nothing for a participant without labels, or whose record cannot be read. */
function unchanged({ key, record: text }: PageItem): Changeset[] {
  try {
    const loaded = readRecord(key, text);
    if (!loaded?.record.labels) return [];
    const stored = { record: text, index: indexEntry(loaded.record) };
    return [{ key, before: stored, after: stored, changes: null }];
  } catch {
    return [];
  }
}
