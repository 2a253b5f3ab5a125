// Delivers to all endpoints, on the process that holds the lease. Every write has the token of the lease, so that a process that
// has lost it without noticing moves no position.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { FeedHub } from '../../feed/feed-hub.js';
import { FeedReader } from '../../feed/feed-reader.js';
import { LOG } from '../../observability/logging.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { delay } from '../../runtime/delay.js';
import { compareEntries, type FeedPosition, isSameEpoch, moveTo } from '../../storage/feed-position.js';
import { type HeldLease, LeaseHolder } from '../../storage/lease-holder.js';
import { type FeedStore, type LeaseStore, StoreUnavailableError } from '../../storage/ports.js';
import { DELIVERY_STORE, FEED_STORE, LEASE_STORE } from '../../storage/tokens.js';
import type { DeliveryStore, DeliveryUpdate } from '../../storage/webhook-ports.js';
import type { DisableReason, Endpoint } from '../endpoint.js';
import { Endpoints } from '../endpoints.js';
import { Sender } from '../sending/sender.js';
import { DeliveryMetrics } from './delivery-metrics.js';
import { type DeliveryState, decodeState } from './delivery-state.js';
import { EndpointDelivery } from './endpoint-delivery.js';
import type { FormatChange } from './outgoing.js';

const LEASE = 'webhooks';
/** Another process takes over within a third more, see LeaseHolder: less than 15 s after this one has died. */
const LEASE_TTL_MS = 10_000;
/** How soon a change that another process has made to an endpoint is noticed. */
const REFRESH_MS = 1_000;
const SAVE_MS = 500;
const DAY_MS = 86_400_000;
const MAX_ATTEMPTS = 100;
const MAX_DEAD_LETTERS = 1_000;
const ATTEMPT_RETENTION_MS = 7 * DAY_MS;
const DEAD_LETTER_RETENTION_MS = 30 * DAY_MS;

export const FORMAT_CHANGE = Symbol('FormatChange');

/** Of one tenure of the lease. */
interface Tenure {
  readonly lease: HeldLease;
  readonly running: Map<string, EndpointDelivery>;
  /** Endpoints that are starting, changing or stopping. */
  readonly busy: Map<string, Promise<void>>;
  /** One save at a time: an older state must not replace a newer one. */
  saving: Promise<boolean>;
}

@Injectable()
export class Deliveries {
  readonly #lease: LeaseHolder;
  #running: ReadonlyMap<string, EndpointDelivery> = new Map();
  #refresh = () => {};
  /** The need for the feed as it was stored last. */
  #noted: string | undefined;

  constructor(
    private readonly endpoints: Endpoints,
    private readonly sender: Sender,
    private readonly reader: FeedReader,
    private readonly hub: FeedHub,
    private readonly metrics: DeliveryMetrics,
    @Inject(FORMAT_CHANGE) private readonly formatChange: FormatChange,
    @Inject(FEED_STORE) private readonly feed: FeedStore,
    @Inject(DELIVERY_STORE) private readonly store: DeliveryStore,
    @Inject(LEASE_STORE) private readonly leases: LeaseStore,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {
    this.#lease = new LeaseHolder(LEASE, { leases, clock, log, ttlMs: LEASE_TTL_MS });
    endpoints.onChanged(() => this.#refresh());
  }

  start(): void {
    this.#lease.start((lease) => this.#work(lease));
  }

  /** Resolves when nothing is in progress any more, and all is stored. */
  stop(): Promise<void> {
    return this.#lease.stop();
  }

  /** Since when the feed is needed, by whichever process delivers; undefined: it is not. Rejects with StoreUnavailableError. */
  async neededSinceMs(): Promise<number | undefined> {
    const note = await this.leases.note(LEASE);
    return note === null || note === '' ? undefined : Number(note);
  }

  /** Of this process. */
  get running(): Iterable<EndpointDelivery> {
    return this.#running.values();
  }

  async #work(lease: HeldLease): Promise<void> {
    const tenure: Tenure = { lease, running: new Map(), busy: new Map(), saving: Promise.resolve(true) };
    this.#running = tenure.running;
    await Promise.all([this.#keepUpToDate(tenure), this.#keepSaved(tenure)]);
    await Promise.all(tenure.busy.values());
    await Promise.all([...tenure.running.values()].map((delivery) => delivery.stop()));
    await this.#save(tenure);
    this.#running = new Map();
  }

  async #keepUpToDate(tenure: Tenure): Promise<void> {
    const { signal } = tenure.lease;
    for (let revision = -1; !signal.aborted; ) {
      let isChanged = false;
      const woken = new Promise<void>((resolve) => {
        this.#refresh = () => {
          isChanged = true;
          resolve();
        };
      });
      await this.#attempt(async () => {
        const newest = await this.endpoints.revision();
        if (newest === revision) return;
        await this.#apply(tenure, revision === -1);
        revision = newest;
      });
      if (!isChanged) await Promise.race([delay(this.clock, REFRESH_MS, signal), woken]);
    }
  }

  async #apply(tenure: Tenure, isFirst: boolean): Promise<void> {
    const stored = (await this.endpoints.list()).map(({ endpoint }) => endpoint);
    const ids = new Set<string>(stored.map(({ id }) => id));
    const states = isFirst ? await this.store.states() : new Map<string, string>();
    if (isFirst) await this.store.forget([...states.keys()].filter((id) => !ids.has(id)));
    for (const endpoint of stored) this.#inTurn(tenure, endpoint.id, () => this.#applyOne(tenure, endpoint));
    for (const id of tenure.running.keys()) {
      if (ids.has(id)) continue;
      this.#inTurn(tenure, id, async () => {
        await this.#halt(tenure, id);
        await this.store.forget([id]);
      });
    }
  }

  async #applyOne(tenure: Tenure, endpoint: Endpoint): Promise<void> {
    const { lease, running } = tenure;
    const current = running.get(endpoint.id);
    if (lease.signal.aborted) return;
    const isReplay = endpoint.replay !== undefined && endpoint.replay.id !== current?.replayId;
    if (current && endpoint.isEnabled && !isReplay) return current.change(endpoint);
    if (current) await this.#halt(tenure, endpoint.id);
    if (!endpoint.isEnabled) return;
    const text = await this.store.state(endpoint.id);
    const state = text === null ? undefined : decodeState(text);
    const delivery = this.#newDelivery(tenure, endpoint, withReplay(endpoint, state));
    running.set(endpoint.id, delivery);
    delivery.start();
  }

  /** Stops the delivery to an endpoint, and stores how far it has got. */
  async #halt(tenure: Tenure, id: string): Promise<void> {
    await tenure.running.get(id)?.stop();
    await this.#save(tenure);
    tenure.running.delete(id);
  }

  #newDelivery(tenure: Tenure, endpoint: Endpoint, state: DeliveryState | undefined): EndpointDelivery {
    const { feed, reader, hub, clock, log, sender, metrics, formatChange } = this;
    const shared = { feed, reader, hub, clock, log, sender, metrics, formatChange };
    return new EndpointDelivery(endpoint, state, {
      ...shared,
      random: Math.random,
      save: () => this.#save(tenure),
      disable: (reason) => this.#disable(endpoint, reason),
    });
  }

  async #disable({ id }: Endpoint, reason: DisableReason): Promise<void> {
    const disabled = { reason, atMs: this.clock.now() };
    while (this.#lease.isHolding) {
      const isDone = await this.#attempt(() =>
        this.endpoints.change(id, (endpoint) => ({ ...endpoint, isEnabled: false, disabled })),
      );
      if (isDone) return;
      await new Promise<void>((resolve) => void this.clock.after(REFRESH_MS, resolve));
    }
  }

  async #keepSaved(tenure: Tenure): Promise<void> {
    const { signal } = tenure.lease;
    while (!signal.aborted) {
      await delay(this.clock, SAVE_MS, signal);
      await this.#save(tenure);
      await this.#noteNeed(tenure);
    }
  }

  /** Resolves with false if the lease is lost, or the store is away. */
  #save(tenure: Tenure): Promise<boolean> {
    tenure.saving = tenure.saving.then(() => this.#saveNow(tenure));
    return tenure.saving;
  }

  async #saveNow({ lease, running }: Tenure): Promise<boolean> {
    const nowMs = this.clock.now();
    const updates: [EndpointDelivery, DeliveryUpdate][] = [...running.values()].flatMap((delivery) => {
      const update = delivery.update(nowMs);
      return update ? [[delivery, update] as const] : [];
    }) as [EndpointDelivery, DeliveryUpdate][];
    if (updates.length === 0) return true;
    const limits = {
      attempts: { maxCount: MAX_ATTEMPTS, oldestMs: nowMs - ATTEMPT_RETENTION_MS },
      'dead-letters': { maxCount: MAX_DEAD_LETTERS, oldestMs: nowMs - DEAD_LETTER_RETENTION_MS },
    };
    const holder = { name: LEASE, token: lease.token };
    const texts = updates.map(([, update]) => update);
    const isStored = await this.store.save(holder, texts, limits).catch(() => undefined);
    if (isStored) return true;
    for (const [delivery, update] of updates) delivery.notSaved(update);
    // Another process delivers by now.
    if (isStored === false) for (const delivery of running.values()) delivery.interrupt();
    return false;
  }

  async #noteNeed({ lease, running }: Tenure): Promise<void> {
    const needs = [...running.values()].flatMap(({ neededSinceMs }) => neededSinceMs ?? []);
    const note = needs.length === 0 ? '' : String(Math.min(...needs));
    if (note === this.#noted) return;
    await this.#attempt(async () => {
      await lease.saveNote(note);
      this.#noted = note;
    });
  }

  #inTurn({ busy, lease }: Tenure, id: string, work: () => Promise<void>): void {
    const before = busy.get(id) ?? Promise.resolve();
    const done = before
      .then(async () => {
        while (!(await this.#attempt(work)) && !lease.signal.aborted) await delay(this.clock, REFRESH_MS, lease.signal);
      })
      .finally(() => {
        if (busy.get(id) === done) busy.delete(id);
      });
    busy.set(id, done);
  }

  /** Resolves with whether it succeeded. */
  async #attempt(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      // The store logs itself when it is away.
      if (!(error instanceof StoreUnavailableError)) this.log.error({ err: error }, 'webhooks cannot be delivered');
      return false;
    }
  }
}

/** The state from which a replay begins: never later than what is not settled. */
function withReplay({ replay, start }: Endpoint, state: DeliveryState | undefined): DeliveryState | undefined {
  if (!replay || replay.id === state?.replayId) return state;
  const position = earlier(replay.from, state?.position ?? start);
  const health = state?.health ?? { failures: 0 };
  return { health, position, cursor: position, messages: [], replayId: replay.id, settingsAtMs: 0 };
}

/** In each shard. */
function earlier(a: FeedPosition, b: FeedPosition): FeedPosition {
  return b.reduce((position, other, shard) => {
    const own = a[shard];
    const isEarlier = own && isSameEpoch(own.epoch, other.epoch) && compareEntries(own.entry, other.entry) < 0;
    return isEarlier ? moveTo(position, shard, own) : position;
  }, b);
}
