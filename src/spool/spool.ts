// Keeps entries on the local disk until their consumer can take them: events while the store cannot, so that a callback that is
// answered with 202 is durable, since the provider may never send it again; and callbacks that another service is to have.
//
// The order in which events are applied does not matter: presence is a function of the set. While a participant has spooled
// events, its new ones are spooled, too, so that a long history is folded in the order of receipt.
import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Clock } from '../runtime/clock.js';
import { onTickEnd } from '../runtime/tick-batch.js';
import type { SubjectKey } from '../storage/encoding/subject-key.js';
import { StoreUnavailableError } from '../storage/ports.js';
import { type Refusal, RefusalLog } from '../storage/refusal-log.js';
import { isDamage } from '../storage/sqlite-file.js';
import { DrainLog } from './drain-log.js';
import type { NewEntry, SpoolEntry, SpoolFile } from './spool-file.js';

/** Entries that are applied at the same time. Live callbacks are applied in between. */
const BATCH_SIZE = 128;
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;

/** What is added for each entry: its row, and its place in memory. */
const ENTRY_OVERHEAD_BYTES = 128;

export interface SpoolLimits {
  readonly maxBytes: number;
  /** While the oldest entry is older than this, no more are taken: the store will hardly be back soon. */
  readonly maxAgeMs: number;
}

export interface SpoolConsumer {
  /** Whether events can be applied, and those applied before are durable. `some`: those of some participants. */
  canApply(): Promise<'all' | 'some' | 'none'>;
  /**
   * Resolves with an outcome for each entry. It is fulfilled if the entry is applied, or found to be one that never will be, and
   * rejected to get it again later: with StoreUnavailableError, or with EntryWaitsError.
   */
  apply(texts: readonly string[]): Promise<readonly PromiseSettledResult<unknown>[]>;
}

/** The store is available, but this entry has to wait, and so do later ones with its key. */
export class EntryWaitsError extends Error {
  override readonly name = 'EntryWaitsError';
}

interface SpoolParts {
  readonly clock: Clock;
  readonly log: Logger;
  /** For the log; by default, 'The spool'. */
  readonly name?: string;
  /** Whether it is unusual that there are entries; by default, it is. */
  readonly isDrainLogged?: boolean;
}

export interface SpoolState {
  readonly events: number;
  readonly bytes: number;
  readonly oldestAgeMs: number;
}

interface Waiting {
  readonly entry: NewEntry;
  readonly resolve: (isSpooled: boolean) => void;
}

interface BatchResult {
  readonly applied: number;
  /** The keys of entries that have to wait for a reason of their own. */
  readonly waitingKeys: readonly SubjectKey[];
  /** All entries found the store unavailable. */
  readonly isUnavailable: boolean;
}

@Injectable()
export class Spool {
  /** The first is this process's own; the others were left by processes that have ended. */
  readonly #files: SpoolFile[];
  readonly #limits: SpoolLimits;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #refusals: RefusalLog;
  readonly #drainLog: DrainLog | undefined;
  /** The number of entries of each participant. */
  readonly #held = new Map<SubjectKey, number>();
  /** Entries that are applied, but could not be removed from their file yet. */
  readonly #applied = new Map<SpoolFile, Set<number>>();
  #waiting: Waiting[] = [];
  #events = 0;
  #bytes = 0;
  #consumer: SpoolConsumer | undefined;
  #draining: Promise<void> | undefined;
  #isStopped = false;
  #cancelWait = () => {};

  /** `files`: empty if events cannot be spooled. */
  constructor(
    files: readonly SpoolFile[],
    limits: SpoolLimits,
    { clock, log, name = 'The spool', isDrainLogged = true }: SpoolParts,
  ) {
    this.#files = [...files];
    this.#limits = limits;
    this.#clock = clock;
    this.#log = log;
    this.#refusals = new RefusalLog(log, name, clock);
    this.#drainLog = isDrainLogged ? new DrainLog(clock, log, () => this.#events) : undefined;
    for (const file of files) for (const { key, count, bytes } of file.totals()) this.#count(key, count, bytes);
  }

  /** Whether events of this participant must be spooled because earlier ones still are. */
  holds(key: SubjectKey): boolean {
    return this.#held.has(key);
  }

  /** undefined: nothing can be spooled, or its files cannot be read. */
  get state(): SpoolState | undefined {
    if (this.#files.length === 0) return undefined;
    try {
      return { events: this.#events, bytes: this.#bytes, oldestAgeMs: this.#oldestAgeMs() };
    } catch {
      return undefined;
    }
  }

  /** Whether `add` would succeed. Writes to the disk to find out. */
  canAdd(): boolean {
    if (this.#fault()) return false;
    try {
      this.#files[0]?.probe();
      return true;
    } catch {
      return false;
    }
  }

  /** Resolves with whether the event is durable; false: the spool is off or full, or its disk has failed. */
  add(entry: NewEntry): Promise<boolean> {
    const fault = this.#fault();
    if (fault) {
      if (this.#files.length > 0) this.#refusals.refused('take events', fault);
      return Promise.resolve(false);
    }
    return new Promise((resolve) => {
      if (this.#waiting.push({ entry, resolve }) === 1) onTickEnd(() => this.#append());
    });
  }

  /** Hands all entries to the consumer, from now on. */
  start(consumer: SpoolConsumer): void {
    this.#consumer = consumer;
    if (this.#events > 0) this.#begin();
  }

  /** Resolves when the batch in progress has been applied. The rest stays in the files. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelWait();
    await this.#draining;
    for (const file of this.#files) file.close(this.#log);
  }

  #fault(): Refusal | undefined {
    const [own] = this.#files;
    if (!own) return { code: 'OFF', advice: 'it is turned off', reason: 'off' };
    if (this.#bytes >= this.#limits.maxBytes) {
      return { code: 'FULL', advice: 'it has reached SPOOL_MAX_BYTES', reason: `${this.#bytes} bytes` };
    }
    try {
      if (this.#oldestAgeMs() <= this.#limits.maxAgeMs) return undefined;
    } catch (error) {
      // Callers are to be refused, as for any spool that cannot be used.
      return diskFault(error);
    }
    return { code: 'OLD', advice: 'its oldest event is older than SPOOL_MAX_AGE_MS', reason: `${this.#events} events` };
  }

  /** Throws if a file cannot be read. */
  #oldestAgeMs(): number {
    if (this.#events === 0) return 0;
    const times = this.#files.flatMap((file) => file.oldestMs() ?? []);
    return times.length === 0 ? 0 : Math.max(0, this.#clock.now() - Math.min(...times));
  }

  /** Group commit: one transaction for all events of a tick. */
  #append(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      this.#files[0]?.append(waiting.map(({ entry }) => entry));
      this.#refusals.accepted('take events');
    } catch (error) {
      this.#refusals.refused('take events', diskFault(error), waiting.length);
      for (const { resolve } of waiting) resolve(false);
      return;
    }
    for (const { entry, resolve } of waiting) {
      this.#count(entry.key, 1, Buffer.byteLength(entry.text));
      resolve(true);
    }
    this.#begin();
  }

  #count(key: SubjectKey, events: number, bytes: number): void {
    const held = (this.#held.get(key) ?? 0) + events;
    if (held > 0) this.#held.set(key, held);
    else this.#held.delete(key);
    this.#events += events;
    this.#bytes += bytes + events * ENTRY_OVERHEAD_BYTES;
  }

  #begin(): void {
    if (this.#draining || !this.#consumer || this.#isStopped) return;
    this.#drainLog?.begin();
    this.#draining = this.#drain(this.#consumer).finally(() => {
      this.#draining = undefined;
      this.#drainLog?.end();
    });
  }

  async #drain(consumer: SpoolConsumer): Promise<void> {
    for (let retryMs = FIRST_RETRY_MS; this.#events > 0 && !this.#isStopped; ) {
      const count = await this.#tryPass(consumer);
      retryMs = count > 0 ? FIRST_RETRY_MS : Math.min(retryMs * 2, MAX_RETRY_MS);
      if (this.#events > 0) await this.#wait(retryMs * (0.75 + Math.random() / 2));
    }
  }

  #wait(delayMs: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#clock.after(delayMs, resolve);
      this.#cancelWait = () => {
        cancel();
        resolve();
      };
    });
  }

  /** A file that cannot be read is tried again, until a restart rescues what is readable. */
  async #tryPass(consumer: SpoolConsumer): Promise<number> {
    try {
      const applied = await this.#pass(consumer);
      this.#refusals.accepted('read events');
      return applied;
    } catch (error) {
      this.#refusals.refused('read events', diskFault(error));
      return 0;
    }
  }

  /**
   * Goes through all entries once or, if all should be applicable, up to a batch that finds the store unavailable. Entries that wait
   * for a reason of their own only delay later ones with the same key. Resolves with the number applied.
   */
  async #pass(consumer: SpoolConsumer): Promise<number> {
    let applied = 0;
    const applicable = await consumer.canApply();
    if (applicable === 'none') return applied;
    const waitingKeys = new Set<SubjectKey>();
    for (const file of [...this.#files].reverse()) {
      for (let after = 0; !this.#isStopped; ) {
        const entries = file.after(after, BATCH_SIZE);
        const last = entries.at(-1);
        if (!last) break;
        after = last.id;
        const known = this.#applied.get(file);
        const due = entries.filter(({ id, key }) => !known?.has(id) && !waitingKeys.has(key));
        if (due.length > 0) {
          const result = await this.#apply(file, due, consumer);
          if (result.isUnavailable && applicable === 'all') return applied;
          applied += result.applied;
          for (const key of result.waitingKeys) waitingKeys.add(key);
        }
        // Many batches without I/O must not block other work.
        await setImmediate();
      }
    }
    return applied;
  }

  async #apply(file: SpoolFile, entries: readonly SpoolEntry[], consumer: SpoolConsumer): Promise<BatchResult> {
    const outcomes = await consumer.apply(entries.map(({ text }) => text));
    const done: SpoolEntry[] = [];
    const waitingKeys: SubjectKey[] = [];
    const faults: unknown[] = [];
    for (const [index, entry] of entries.entries()) {
      const outcome = outcomes[index];
      if (outcome?.status === 'fulfilled') done.push(entry);
      else if (!(outcome?.reason instanceof StoreUnavailableError)) {
        waitingKeys.push(entry.key);
        if (!(outcome?.reason instanceof EntryWaitsError)) faults.push(outcome?.reason);
      }
    }
    if (faults.length > 0)
      this.#log.error({ err: faults[0], count: faults.length }, 'a spooled event cannot be applied');
    if (done.length > 0) this.#finish(file, done);
    return { applied: done.length, waitingKeys, isUnavailable: done.length + waitingKeys.length === 0 };
  }

  #finish(file: SpoolFile, entries: readonly SpoolEntry[]): void {
    const known = this.#applied.get(file) ?? [];
    this.#remove(file, [...known, ...entries.map(({ id }) => id)]);
    for (const { key, text } of entries) this.#count(key, -1, -Buffer.byteLength(text));
    this.#drainLog?.applied(entries.length);
  }

  /** If that fails, they are removed later; after a crash they are applied again, which changes nothing. */
  #remove(file: SpoolFile, ids: readonly number[]): void {
    try {
      file.remove(ids);
      this.#applied.delete(file);
      this.#refusals.accepted('remove applied events');
    } catch (error) {
      this.#applied.set(file, new Set(ids));
      this.#refusals.refused('remove applied events', diskFault(error), ids.length);
    }
  }
}

function diskFault(error: unknown): Refusal {
  const { code = 'unexpected', message } = error as Error & { code?: string };
  const advice = isDamage(error)
    ? 'the file is damaged: restart the service, which rescues the events that can be read'
    : 'check the disk of DATA_DIR';
  return { code, advice, reason: message };
}
