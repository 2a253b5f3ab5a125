// Keeps callbacks that were refused or not understood, so that an operator can look at them, and replay them once the code has
// changed. Whoever has a valid secret can send any number of them, so keeping one never delays or fails its response: it is
// queued in memory and written later, slowly, and what does not fit into the queue is dropped. Forwarded callbacks, which need a key,
// are written before the response, since the sender then removes its copy.
import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '../observability/logging.js';
import { Metrics } from '../observability/metrics/metrics.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { onTickEnd } from '../runtime/tick-batch.js';
import { type QuarantinedCallback, type QuarantineStore, StoreUnavailableError } from '../storage/ports.js';
import { RefusalLog } from '../storage/refusal-log.js';
import { newTimedId, type TimedId } from '../storage/timed-id.js';
import { QUARANTINE_STORE } from '../storage/tokens.js';
import { addQuarantineMetrics } from './quarantine-metrics.js';
import { QUARANTINE_LIMITS, type QuarantineSettings, QuarantineTrimmer } from './quarantine-trimmer.js';
import type { QuarantineReason } from './reasons.js';

const MAX_QUEUED = 1_024;
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;
/** One write blocks the process if the store is SQLite. With the pause, at most 1 MiB is written per second. */
const MAX_BATCH = 128;
const MAX_BATCH_BYTES = 256 * 1024;
const PAUSE_MS = 250;
const MAX_RETRY_MS = 5_000;
/** A header may have 16 KiB. */
const MAX_CONTENT_TYPE_LENGTH = 256;

const FULL = { code: 'FULL', advice: 'too many callbacks are refused at the same time', reason: 'the queue is full' };

export type RefusedCallback = Omit<QuarantinedCallback, 'id' | 'bytes' | 'reason'> & {
  readonly reason: QuarantineReason;
};

@Injectable()
export class Quarantine {
  readonly #queue: QuarantinedCallback[] = [];
  #queuedBytes = 0;
  #droppedCount = 0;
  readonly #refusals: RefusalLog;
  readonly #stopping = new AbortController();
  #writing: Promise<void> | undefined;

  constructor(
    @Inject(QUARANTINE_STORE) private readonly store: QuarantineStore,
    @Inject(QUARANTINE_LIMITS) private readonly settings: QuarantineSettings,
    private readonly trimmer: QuarantineTrimmer,
    @Inject(CLOCK) clock: Clock,
    @Inject(LOG) private readonly log: Logger,
    metrics: Metrics,
  ) {
    addQuarantineMetrics(metrics, store, () => this.#droppedCount);
    this.#refusals = new RefusalLog(log, 'The quarantine', clock);
  }

  /** Never throws. Returns the id under which the callback will be kept; undefined: it is dropped. */
  keep(callback: RefusedCallback): TimedId | undefined {
    if (this.settings.maxCount === 0) return undefined;
    const bytes = callback.body.length;
    if (this.#queue.length >= MAX_QUEUED || this.#queuedBytes + bytes > MAX_QUEUED_BYTES) {
      this.#refusals.refused('keep callbacks', FULL);
      this.#droppedCount += 1;
      return undefined;
    }
    this.#refusals.accepted('keep callbacks');
    const entry = entryOf(callback);
    // A copy: the body may be a small part of a large buffer.
    this.#queue.push({ ...entry, body: Buffer.from(callback.body) });
    this.#queuedBytes += bytes;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return entry.id;
  }

  /**
   * Never rejects. Resolves with the ids, in this order, when the callbacks are durable; `off`: they are not kept; `failed`: the store
   * has not taken them, or it is not known whether it has.
   */
  async keepDurably(callbacks: readonly RefusedCallback[]): Promise<readonly TimedId[] | 'off' | 'failed'> {
    if (this.settings.maxCount === 0) return 'off';
    const entries = callbacks.map(entryOf);
    try {
      await this.store.add(entries);
    } catch (error) {
      this.#reportFailure(error, entries.length);
      return 'failed';
    }
    this.trimmer.trimSoon();
    return entries.map(({ id }) => id);
  }

  /** Resolves when what is queued has been written, or cannot be. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#writing;
  }

  async #write(): Promise<void> {
    await new Promise<void>(onTickEnd);
    for (let retryMs = PAUSE_MS; this.#queue.length > 0; ) {
      const isWritten = await this.#writeBatch();
      retryMs = isWritten ? PAUSE_MS : Math.min(retryMs * 2, MAX_RETRY_MS);
      const { signal } = this.#stopping;
      if (signal.aborted && !isWritten) {
        this.log.warn(
          { callbacks: this.#queue.length },
          'refused callbacks are not kept, because the store is unavailable',
        );
        return;
      }
      await wait(retryMs, undefined, { ref: false, signal }).catch(() => {});
    }
  }

  /** Resolves with false to be called again later, for the same callbacks. */
  async #writeBatch(): Promise<boolean> {
    const batch = this.#batch();
    try {
      await this.store.add(batch);
      this.trimmer.trimSoon();
    } catch (error) {
      this.#reportFailure(error, batch.length);
      if (error instanceof StoreUnavailableError) return false;
      this.#droppedCount += batch.length;
    }
    this.#queue.splice(0, batch.length);
    for (const { bytes } of batch) this.#queuedBytes -= bytes;
    return true;
  }

  #reportFailure(error: unknown, callbacks: number): void {
    // It has been logged, by the store or by its connection.
    if (error instanceof StoreUnavailableError) return;
    this.log.error({ err: error, callbacks }, 'refused callbacks cannot be kept');
  }

  /** The first ones of the queue. */
  #batch(): QuarantinedCallback[] {
    let bytes = 0;
    const batch = this.#queue.slice(0, MAX_BATCH);
    const end = batch.findIndex((callback, index) => {
      bytes += callback.bytes;
      return index > 0 && bytes > MAX_BATCH_BYTES;
    });
    return end === -1 ? batch : batch.slice(0, end);
  }
}

function entryOf(callback: RefusedCallback): QuarantinedCallback {
  const id = newTimedId(callback.receivedAtMs);
  const contentType = callback.contentType.slice(0, MAX_CONTENT_TYPE_LENGTH);
  return { ...callback, id, contentType, bytes: callback.body.length };
}
