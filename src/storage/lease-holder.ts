// Does a job on one process at a time: the one that holds the lease. If that process dies, another one takes over when the lease
// ends. The job of a process that has lost the lease is aborted, but may overlap with that of its successor for a moment.
import type { Logger } from 'pino';
import type { Clock } from '../runtime/clock.js';
import { delay } from '../runtime/delay.js';
import type { LeaseStore } from './ports.js';

const DEFAULT_TTL_MS = 15_000;
/** How often it is renewed or, by the others, asked for, within its time to live. */
const RENEWALS = 3;

/** What the job can do with the lease. */
export interface HeldLease {
  /** For writes that must be refused once another process has the lease. */
  readonly token: number;
  /** Aborted when the lease may have been lost, or the process stops. */
  readonly signal: AbortSignal;
  /** The note that was saved last, by the holder of the lease at that time. */
  readonly note: string | null;
  /** Rejects with StoreUnavailableError. */
  readonly saveNote: (text: string) => Promise<void>;
}

interface Parts {
  readonly leases: LeaseStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long it lasts after the process that held it has died. */
  readonly ttlMs?: number;
}

export class LeaseHolder {
  readonly #stopping = new AbortController();
  #ended: Promise<void> = Promise.resolve();
  #isHolding = false;
  readonly #ttlMs: number;
  readonly #renewMs: number;

  constructor(
    private readonly name: string,
    private readonly parts: Parts,
  ) {
    this.#ttlMs = parts.ttlMs ?? DEFAULT_TTL_MS;
    this.#renewMs = this.#ttlMs / RENEWALS;
  }

  get isHolding(): boolean {
    return this.#isHolding;
  }

  /** `job`: must end when its signal is aborted, and must not reject. */
  start(job: (lease: HeldLease) => Promise<void>): void {
    this.#ended = this.#run(job);
  }

  /** Resolves when the job has ended and the lease is released. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  async #run(job: (lease: HeldLease) => Promise<void>): Promise<void> {
    const { leases, clock, log } = this.parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const atMs = clock.now();
        const token = await leases.acquire(this.name, this.#ttlMs);
        if (token !== null) await this.#hold(token, atMs + this.#ttlMs, job);
      } catch (error) {
        // The store is unavailable, which it logs itself.
        log.debug({ reason: (error as Error).message }, `the lease for ${this.name} cannot be taken`);
      }
      await delay(clock, this.#renewMs, signal);
    }
  }

  async #hold(token: number, untilMs: number, job: (lease: HeldLease) => Promise<void>): Promise<void> {
    const { leases, clock, log } = this.parts;
    const note = await leases.note(this.name);
    const lost = new AbortController();
    const signal = AbortSignal.any([lost.signal, this.#stopping.signal]);
    const saveNote = async (text: string) => void (await leases.saveNote(this.name, token, text));
    this.#isHolding = true;
    const working = job({ token, signal, note, saveNote });
    for (let endMs = untilMs; !signal.aborted; ) {
      await delay(clock, this.#renewMs, signal);
      const atMs = clock.now();
      const isHeld = await leases.renew(this.name, token, this.#ttlMs).catch(() => undefined);
      if (isHeld) endMs = atMs + this.#ttlMs;
      // While the store is unavailable, nobody else can take it either, but it ends in the store.
      if (isHeld === false || clock.now() >= endMs) lost.abort();
    }
    await working;
    this.#isHolding = false;
    if (lost.signal.aborted) log.warn(`the lease for ${this.name} was lost`);
    await leases.release(this.name, token).catch(() => {});
  }
}
