// The nodes of a Redis Cluster, with one verified connection to each that holds slots.
//
// Commands are routed here and not by the client library, which would queue them for a node that is not connected yet, and send
// them again after a connection was lost. All keys of a shard are in one slot, so a command needs no more than the node of its
// slot. A node that does not answer is disconnected, so that it delays the commands of others once, and not with each batch.
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { OutageLog } from '../../../observability/outage-log.js';
import { StartError } from '../../../runtime/start-error.js';
import { ClusterMap } from './cluster-map.js';
import { BLOCKING_TIMEOUT_MS, type RedisTarget } from './connection-options.js';
import { type Redirect, redirectOf } from './redirect.js';
import { formatPlace, type ServerPlace } from './redis-address.js';
import type { RedisClient, SendCommands } from './redis-client.js';
import { RedisConnection } from './redis-connection.js';
import { redisErrorCode } from './redis-error.js';
import type { FaultError } from './redis-fault.js';
import { TrafficCounter } from './traffic-counter.js';

const FIRST_CONNECT_MS = 2_000;
/** Between looks at where the slots are, which redirects show as well. */
const REFRESH_MS = 5_000;
/** The same while a node cannot be used: a replica may replace it. */
const RECOVERY_MS = 250;
/** A slot that moves answers from its new node within milliseconds; keys that are being moved may take long. */
const MAX_REDIRECTS = 5;
const RETRY_LATER_MS = 50;
const CONNECT_MS = 500;

interface BlockingConnection {
  readonly node: string;
  readonly connection: RedisConnection;
}

export class ClusterClient implements RedisClient {
  readonly isOneServer = false;
  readonly traffic = new TrafficCounter();
  readonly #target: RedisTarget;
  readonly #log: Logger;
  readonly #map: ClusterMap;
  readonly #outage: OutageLog;
  readonly #nodes = new Map<string, RedisConnection>();
  readonly #blocking = new Map<number, BlockingConnection>();
  readonly #onVerified: (() => void)[] = [];
  /** Those of nodes that are no longer used. */
  #formerReconnects = 0;
  #fault: FaultError['fault'] | undefined;
  #refreshing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isRefreshNear = false;
  #isOpen = false;
  #isClosing = false;

  private constructor(target: RedisTarget, log: Logger) {
    this.#target = target;
    this.#log = log;
    this.#map = new ClusterMap(target.address);
    this.#outage = new OutageLog(log, 'the Redis Cluster');
  }

  /** Like `open` of a single connection. */
  static async open(target: RedisTarget, log: Logger): Promise<ClusterClient> {
    const client = new ClusterClient(target, log);
    const endMs = performance.now() + FIRST_CONNECT_MS;
    while (!client.#map.isKnown && !client.#fault?.isPermanent && performance.now() < endMs) {
      await client.#refresh();
      if (!client.#map.isKnown) await wait(RETRY_LATER_MS);
    }
    try {
      if (client.#fault?.isPermanent) throw new StartError(client.#fault.message);
      await Promise.all([...client.#nodes.values()].map((node) => node.opened()));
    } catch (error) {
      await client.close();
      throw error;
    }
    client.#isOpen = true;
    client.#scheduleRefresh();
    return client;
  }

  get reconnects(): number {
    return [...this.#nodes.values()].reduce((sum, { reconnects }) => sum + reconnects, this.#formerReconnects);
  }

  runIdOf(slot: number): string | undefined {
    const node = this.#map.nodeOf(slot);
    return node && this.#nodes.get(formatPlace(node))?.runIdOf();
  }

  onVerified(listener: () => void): void {
    this.#onVerified.push(listener);
    for (const node of this.#nodes.values()) node.onVerified(listener);
  }

  async run<T>(slot: number, send: SendCommands<T>): Promise<T> {
    const owner = this.#ownerOf(slot);
    try {
      return await owner.run(slot, send);
    } catch (error) {
      const redirect = redirectOf(error);
      if (redirect) return this.#follow(redirect, slot, send, error);
      this.#onError(owner, error);
      throw error;
    }
  }

  async runBlocking<T>(slot: number, send: SendCommands<T>): Promise<T> {
    const place = this.#placeOf(slot);
    const node = formatPlace(place);
    let blocking = this.#blocking.get(slot);
    if (blocking?.node !== node) {
      blocking?.connection.disconnect();
      const options = { commandTimeoutMs: BLOCKING_TIMEOUT_MS, traffic: this.traffic };
      blocking = { node, connection: new RedisConnection(this.#targetAt(place), undefined, options) };
      this.#blocking.set(slot, blocking);
    }
    try {
      const commands = await blocking.connection.commandsWithin(CONNECT_MS);
      this.traffic.roundTrips += 1;
      return await send(commands);
    } catch (error) {
      const redirect = redirectOf(error);
      if (redirect) this.#refreshSoon();
      throw error;
    }
  }

  stopBlocking(): void {
    for (const { connection } of this.#blocking.values()) connection.disconnect();
    this.#blocking.clear();
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    this.stopBlocking();
    await this.#refreshing;
    await Promise.all([...this.#nodes.values()].map((node) => node.close()));
  }

  /** Repeats commands where a redirect says. `error` is thrown if there is no end of them. */
  async #follow<T>(first: Redirect, slot: number, send: SendCommands<T>, error: unknown): Promise<T> {
    let lastError = error;
    for (let redirect: Redirect | undefined = first, count = 0; redirect && count < MAX_REDIRECTS; count += 1) {
      const target = await this.#targetOf(redirect, slot);
      try {
        const commands = await target.commandsWithin(CONNECT_MS);
        this.traffic.roundTrips += 1;
        // Answered before the command that it allows; if it fails, so does that.
        if (redirect.kind === 'ask') commands.asking().catch(() => {});
        return await send(commands);
      } catch (failure) {
        lastError = failure;
        redirect = redirectOf(failure);
        if (!redirect) this.#onError(target, failure);
      }
    }
    throw lastError;
  }

  async #targetOf(redirect: Redirect, slot: number): Promise<RedisConnection> {
    if (redirect.kind === 'later') {
      await wait(RETRY_LATER_MS);
      return this.#ownerOf(slot);
    }
    const place = this.#map.redirectedTo(redirect, slot);
    if (redirect.kind === 'moved') {
      this.#map.move(slot, place);
      this.#refreshSoon();
    }
    return this.#nodeAt(place);
  }

  #onError(node: RedisConnection, error: unknown): void {
    const isTimeout = error instanceof Error && error.message === 'Command timed out';
    if (isTimeout) node.reconnect(error);
    if (!node.isVerified || isTimeout || redisErrorCode(error) === 'CLUSTERDOWN') this.#refreshSoon();
  }

  #placeOf(slot: number): ServerPlace {
    const place = this.#map.nodeOf(slot);
    if (place) return place;
    throw new Error(this.#fault?.message ?? `no node of the Redis Cluster holds slot ${slot}`);
  }

  #ownerOf(slot: number): RedisConnection {
    return this.#nodeAt(this.#placeOf(slot));
  }

  #nodeAt(place: ServerPlace): RedisConnection {
    const name = formatPlace(place);
    let node = this.#nodes.get(name);
    if (!node) {
      node = new RedisConnection(this.#targetAt(place), this.#log, { traffic: this.traffic });
      for (const listener of this.#onVerified) node.onVerified(listener);
      if (this.#isOpen) node.logFaults();
      this.#nodes.set(name, node);
    }
    return node;
  }

  #targetAt(place: ServerPlace): RedisTarget {
    return { ...this.#target, address: { ...this.#target.address, kind: 'standalone', servers: [place] } };
  }

  /** Not at once: many commands may fail at the same time. */
  #refreshSoon(): void {
    if (this.#isRefreshNear || this.#refreshing) return;
    this.#isRefreshNear = true;
    this.#schedule(RETRY_LATER_MS);
  }

  #refresh(): Promise<void> {
    this.#refreshing ??= this.#refreshOnce().finally(() => {
      this.#refreshing = undefined;
      this.#isRefreshNear = false;
      if (this.#isOpen) this.#scheduleRefresh();
    });
    return this.#refreshing;
  }

  #scheduleRefresh(): void {
    const isComplete = this.#map.isKnown && [...this.#nodes.values()].every(({ isVerified }) => isVerified);
    this.#schedule(isComplete ? REFRESH_MS : RECOVERY_MS);
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#isClosing) this.#timer = setTimeout(() => void this.#refresh(), delayMs);
  }

  async #refreshOnce(): Promise<void> {
    const former = new Set(this.#map.nodes.map(formatPlace));
    try {
      await this.#map.refresh((place) => this.#nodes.get(formatPlace(place))?.isVerified === true);
      this.#fault = undefined;
      this.#outage.recovered();
    } catch (error) {
      this.#fault = (error as FaultError).fault;
      if (this.#isOpen || !this.#fault.isPermanent) this.#outage.failed(this.#fault);
      return;
    }
    if (this.#isClosing) return;
    const current = new Set(this.#map.nodes.map(formatPlace));
    for (const place of this.#map.nodes) this.#nodeAt(place);
    for (const [name, node] of this.#nodes) {
      if (current.has(name)) continue;
      this.#nodes.delete(name);
      this.#formerReconnects += node.reconnects;
      // Commands that still wait for a reply get it.
      void node.close();
      if (former.has(name)) this.#log.info(`Redis at ${name} no longer holds any slots of the cluster`);
    }
  }
}
