// Delivers to all endpoints, on the process that holds the lease. Every write has the token of the lease, so that a process that
// has lost it without noticing moves no position.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { FeedHub } from '../../feed/feed-hub.js';
import { FeedReader } from '../../feed/feed-reader.js';
import { LOG } from '../../observability/logging.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { delay } from '../../runtime/delay.js';
import { type HeldLease, LeaseHolder } from '../../storage/lease-holder.js';
import { type FeedStore, type LeaseStore, StoreUnavailableError } from '../../storage/ports.js';
import { DELIVERY_STORE, FEED_STORE, LEASE_STORE, OCCUPANCY_EVENT_STORE } from '../../storage/tokens.js';
import type { DeliveryStore, OccupancyEventStore } from '../../storage/webhook-ports.js';
import type { DisableReason, Endpoint } from '../endpoint.js';
import { Endpoints } from '../endpoints.js';
import { EventLog } from '../occupancy/event-log.js';
import { OccupancyTracker } from '../occupancy/occupancy-tracker.js';
import { Sender } from '../sending/sender.js';
import { DeliveryMetrics } from './delivery-metrics.js';
import { DeliverySaver, LEASE } from './delivery-saver.js';
import { type DeliveryState, tryDecodeState } from './delivery-state.js';
import { EndpointDelivery } from './endpoint-delivery.js';
import type { FormatChange } from './outgoing.js';
import { withReplay } from './replay.js';

/** Another process takes over within a third more, see LeaseHolder: less than 15 s after this one has died. */
const LEASE_TTL_MS = 10_000;
/** How soon a change that another process has made to an endpoint is noticed. */
const REFRESH_MS = 1_000;
const SAVE_MS = 500;

export const FORMAT_CHANGE = Symbol('FormatChange');

/** What is needed while the lease is held. */
interface Tenure {
  readonly lease: HeldLease;
  readonly events: EventLog;
  readonly running: Map<string, EndpointDelivery>;
  /** Endpoints that are starting, changing or stopping. */
  readonly busy: Map<string, Promise<void>>;
  readonly saver: DeliverySaver;
}

/** What this process delivers. */
export interface Overview {
  readonly endpoints: readonly Endpoint[];
  /** How many cannot be decoded. */
  readonly undecodable: number;
  /** By the id of the endpoint. */
  readonly running: ReadonlyMap<string, EndpointDelivery>;
}

@Injectable()
export class Deliveries {
  readonly #lease: LeaseHolder;
  readonly #stopping = new AbortController();
  #started: Promise<void> = Promise.resolve();
  #overview: Overview | undefined;
  #refresh = () => {};

  constructor(
    private readonly endpoints: Endpoints,
    private readonly sender: Sender,
    private readonly reader: FeedReader,
    private readonly hub: FeedHub,
    private readonly metrics: DeliveryMetrics,
    private readonly tracker: OccupancyTracker,
    @Inject(FORMAT_CHANGE) private readonly formatChange: FormatChange,
    @Inject(FEED_STORE) private readonly feed: FeedStore,
    @Inject(DELIVERY_STORE) private readonly store: DeliveryStore,
    @Inject(OCCUPANCY_EVENT_STORE) private readonly eventStore: OccupancyEventStore,
    @Inject(LEASE_STORE) private readonly leases: LeaseStore,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {
    this.#lease = new LeaseHolder(LEASE, { leases, clock, log, ttlMs: LEASE_TTL_MS });
    endpoints.onChanged(() => this.#refresh());
  }

  start(): void {
    this.#started = this.#startWhenUsed();
  }

  /** Resolves when nothing is in progress any more, and all is stored. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#started;
    await this.#lease.stop();
  }

  /** Since when the feed is needed, by whichever process delivers; undefined: it is not. Rejects with StoreUnavailableError. */
  async neededSinceMs(): Promise<number | undefined> {
    const note = await this.leases.note(LEASE);
    return note === null || note === '' ? undefined : Number(note);
  }

  /** undefined: another process delivers, or this one has just begun. */
  get overview(): Overview | undefined {
    return this.#overview;
  }

  /** Where no endpoint was ever made, nothing is written to the store, and no lease is renewed. */
  async #startWhenUsed(): Promise<void> {
    const { signal } = this.#stopping;
    let isUsed = false;
    const look = async () => {
      isUsed = (await this.endpoints.revision()) > 0;
    };
    while (!signal.aborted) {
      const changed = new AbortController();
      this.#refresh = () => changed.abort();
      await this.#attempt(look);
      if (isUsed) return this.#lease.start((lease) => this.#work(lease));
      await delay(this.clock, REFRESH_MS, AbortSignal.any([signal, changed.signal]));
    }
  }

  async #work(lease: HeldLease): Promise<void> {
    const events = await this.#openLog(lease.signal);
    if (!events) return;
    const running = new Map<string, EndpointDelivery>();
    const saver = new DeliverySaver(lease, running, this.store, this.clock);
    const tenure: Tenure = { lease, events, running, busy: new Map(), saver };
    const { token, signal } = lease;
    const tracking = this.tracker.run({ lease: { name: LEASE, token }, signal, log: events });
    await Promise.all([this.#keepUpToDate(tenure), this.#keepSaved(tenure), tracking]);
    const stopAll = () => Promise.all([...running.values()].map((delivery) => delivery.stop()));
    // Tasks may wait for deliveries that are being restored, which only end if they are stopped.
    await Promise.all([stopAll(), ...tenure.busy.values()]);
    // Those that a task has started meanwhile.
    await stopAll();
    await saver.save();
    this.#overview = undefined;
  }

  /** undefined: the lease is lost before the store can be read. */
  async #openLog(signal: AbortSignal): Promise<EventLog | undefined> {
    let log: EventLog | undefined;
    const open = async () => {
      log = await EventLog.open(this.eventStore, this.log);
    };
    while (!signal.aborted && !(await this.#attempt(open))) await delay(this.clock, REFRESH_MS, signal);
    return log;
  }

  async #keepUpToDate(tenure: Tenure): Promise<void> {
    const { signal } = tenure.lease;
    for (let revision = -1; !signal.aborted; ) {
      const changed = new AbortController();
      this.#refresh = () => changed.abort();
      await this.#attempt(async () => {
        const newest = await this.endpoints.revision();
        if (newest === revision) return;
        await this.#apply(tenure, revision === -1);
        this.tracker.refresh();
        revision = newest;
      });
      await delay(this.clock, REFRESH_MS, AbortSignal.any([signal, changed.signal]));
    }
  }

  async #apply(tenure: Tenure, isFirst: boolean): Promise<void> {
    const { items, undecodable } = await this.endpoints.list();
    const stored = items.map(({ value }) => value);
    this.#overview = { endpoints: stored, undecodable: undecodable.length, running: tenure.running };
    const ids = new Set<string>([...stored.map(({ id }) => id), ...undecodable]);
    const states = isFirst ? await this.store.states() : new Map<string, string>();
    if (isFirst) await this.store.forget([...states.keys()].filter((id) => !ids.has(id)));
    for (const endpoint of stored) this.#inTurn(tenure, endpoint.id, () => this.#applyOne(tenure, endpoint));
    // They go on where they are once they can be decoded: a newer process may have changed them.
    for (const id of undecodable) this.#inTurn(tenure, id, () => this.#halt(tenure, id));
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
    if (current && endpoint.isEnabled && !isReplay && (await current.change(endpoint))) return;
    if (current) await this.#halt(tenure, endpoint.id);
    if (!endpoint.isEnabled) return;
    const text = await this.store.state(endpoint.id);
    const state = text === null ? undefined : tryDecodeState(text);
    if (text !== null && !state) {
      this.log.error(
        { endpoint: endpoint.id },
        'the state of an endpoint cannot be decoded: all that it wants of the feed is sent again',
      );
    }
    const delivery = this.#newDelivery(tenure, endpoint, withReplay(endpoint, state));
    running.set(endpoint.id, delivery);
    delivery.start();
  }

  /** Stops the delivery to an endpoint, and stores how far it has got. */
  async #halt(tenure: Tenure, id: string): Promise<void> {
    await tenure.running.get(id)?.stop();
    await tenure.saver.save();
    tenure.running.delete(id);
  }

  #newDelivery(tenure: Tenure, endpoint: Endpoint, state: DeliveryState | undefined): EndpointDelivery {
    const { feed, reader, hub, clock, log, sender, metrics, formatChange } = this;
    const shared = { feed, reader, hub, clock, log, sender, metrics, formatChange };
    return new EndpointDelivery(endpoint, state, {
      ...shared,
      events: tenure.events,
      random: Math.random,
      save: () => tenure.saver.save(),
      disable: (reason) => this.#disable(tenure, endpoint, reason),
    });
  }

  #disable({ lease }: Tenure, { id }: Endpoint, reason: DisableReason): Promise<void> {
    const disabled = { reason, atMs: this.clock.now() };
    return this.#repeat(lease, () =>
      this.endpoints.change(id, (endpoint) => ({ ...endpoint, isEnabled: false, disabled })),
    );
  }

  async #keepSaved({ lease: { signal }, saver }: Tenure): Promise<void> {
    while (!signal.aborted) {
      await delay(this.clock, SAVE_MS, signal);
      await saver.save();
      await this.#attempt(() => saver.saveNeed());
    }
  }

  #inTurn({ busy, lease }: Tenure, id: string, work: () => Promise<void>): void {
    const before = busy.get(id) ?? Promise.resolve();
    const done = before
      .then(() => this.#repeat(lease, work))
      .finally(() => {
        if (busy.get(id) === done) busy.delete(id);
      });
    busy.set(id, done);
  }

  /** Until it succeeds, or the lease is lost. */
  async #repeat({ signal }: HeldLease, work: () => Promise<unknown>): Promise<void> {
    while (!(await this.#attempt(work)) && !signal.aborted) await delay(this.clock, REFRESH_MS, signal);
  }

  /** Resolves with whether it succeeded. */
  async #attempt(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      // The store logs itself when it is unavailable.
      if (!(error instanceof StoreUnavailableError)) this.log.error({ err: error }, 'webhooks cannot be delivered');
      return false;
    }
  }
}
