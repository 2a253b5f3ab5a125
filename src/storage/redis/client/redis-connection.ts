// A connection to one server that fails fast, and sends no commands until the server is verified.
// By default, ioredis queues commands while disconnected and resends those whose reply was lost; a commit sent late or twice
// is worse than a failed one. It also stays in database 0 if the configured one does not exist. So each connection is
// verified before its first command: version, role, database.
import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from 'pino';
import { OutageLog } from '../../../observability/outage-log.js';
import { StartError } from '../../../runtime/start-error.js';
import { BLOCKING_TIMEOUT_MS, CONNECT_TIMEOUT_MS, connectionOptions, type RedisTarget } from './connection-options.js';
import { formatPlace, formatPlaces, type ServerPlace } from './redis-address.js';
import type { RedisClient, SendCommands } from './redis-client.js';
import { requiresReconnect } from './redis-error.js';
import { connectFault, faultOf, infoField, type RedisFault, type ServerName, serverFault } from './redis-fault.js';
import { sentinelConnector } from './sentinel-connector.js';
import { SentinelWatch } from './sentinel-watch.js';
import { TrafficCounter } from './traffic-counter.js';

/** A callback usually needs two round trips within its 2 s timeout (update-queue.ts). */
const COMMAND_TIMEOUT_MS = 900;
const FIRST_CONNECT_MS = 2_000;
const BLOCKING_CONNECT_MS = 1_000;

const NO_FILE = 'Redis has no append-only file: if it crashes, presence is lost. Put "appendonly yes" into redis.conf';

interface ConnectionOptions {
  readonly commandTimeoutMs?: number;
  readonly traffic?: TrafficCounter;
}

export class RedisConnection implements RedisClient {
  readonly isOneServer = true;
  readonly traffic: TrafficCounter;
  readonly #target: RedisTarget;
  readonly #redis: Redis;
  readonly #log: Logger | undefined;
  readonly #outage: OutageLog | undefined;
  /** Where it connects to; undefined: the Sentinels have not named a master yet. */
  #place: ServerPlace | undefined;
  readonly #watch: SentinelWatch | undefined;
  #blocking: RedisConnection | undefined;
  /** Until then, permanent faults are reported by `open`, not logged. */
  #isOpen = false;
  #isVerified = false;
  #isClosing = false;
  #failedAttempts = 0;
  /** The first fault of the current attempt; later ones are only consequences. */
  #fault: RedisFault | undefined;
  #lastFault: RedisFault | undefined;
  #runId: string | undefined;
  #reconnects = -1;
  readonly #onVerified: (() => void)[] = [];
  /** Called whenever an attempt has succeeded or failed. */
  readonly #listeners = new Set<() => void>();

  /** Connects, and keeps trying. Without a log, outages are not reported. */
  constructor(
    target: RedisTarget,
    log: Logger | undefined,
    { commandTimeoutMs = COMMAND_TIMEOUT_MS, traffic = new TrafficCounter() }: ConnectionOptions = {},
  ) {
    const { address } = target;
    this.#target = target;
    this.traffic = traffic;
    this.#log = log;
    if (address.kind === 'sentinel') {
      const onFound = (master: ServerPlace) => {
        this.#place = master;
      };
      // One is enough: a connection without a log is reconnected together with the one that has it.
      if (log) {
        this.#watch = new SentinelWatch(
          address,
          () => this.#place,
          () => this.reconnect(),
        );
      }
      this.#redis = this.#connect(commandTimeoutMs, { Connector: sentinelConnector(address, onFound) });
    } else {
      this.#place = address.servers[0];
      this.#redis = this.#connect(commandTimeoutMs);
    }
    traffic.watch(this.#redis);
    this.#outage = log && new OutageLog(log, this.#name);
    this.#redis.on('error', (error) => {
      this.#fault ??= this.#faultOf(error);
    });
    this.#redis.on('ready', () => void this.#verify());
    this.#redis.on('close', () => this.#onClose());
  }

  /** Resolves when `opened` does. */
  static async open(target: RedisTarget, log: Logger): Promise<RedisConnection> {
    const connection = new RedisConnection(target, log);
    await connection.opened();
    return connection;
  }

  /**
   * Resolves when connected, or after 2 s: it keeps trying, and `commands` throws meanwhile.
   * Rejects with StartError for permanent faults: a wrong password, version, database or eviction policy.
   */
  async opened(): Promise<void> {
    await this.#waitForAttempt(FIRST_CONNECT_MS, (fault) => fault.isPermanent);
    this.#isOpen = this.#isVerified || !this.#lastFault?.isPermanent;
    if (this.#isOpen) return;
    this.disconnect();
    throw new StartError(this.#lastFault?.message);
  }

  /** Instead of `opened`: all faults are logged. */
  logFaults(): void {
    this.#isOpen = true;
  }

  get reconnects(): number {
    return Math.max(0, this.#reconnects);
  }

  /** That of the server that was verified last. */
  runIdOf(): string | undefined {
    return this.#runId;
  }

  onVerified(listener: () => void): void {
    this.#onVerified.push(listener);
  }

  get isVerified(): boolean {
    return this.#isVerified;
  }

  /** Throws with the reason while the server cannot be used. */
  get commands(): Redis {
    if (this.#isVerified) return this.#redis;
    throw new Error(this.#lastFault?.message ?? 'not connected yet');
  }

  /** Like `commands`, but first waits for the connection. */
  async commandsWithin(timeoutMs: number): Promise<Redis> {
    if (!this.#isVerified) await this.#waitForAttempt(timeoutMs, () => false);
    return this.commands;
  }

  run<T>(_: number, send: SendCommands<T>): Promise<T> {
    const { commands } = this;
    this.traffic.roundTrips += 1;
    return send(commands);
  }

  /** It logs nothing: this one has the same faults. */
  async runBlocking<T>(_: number, send: SendCommands<T>): Promise<T> {
    const { traffic } = this;
    this.#blocking ??= new RedisConnection(this.#target, undefined, {
      commandTimeoutMs: BLOCKING_TIMEOUT_MS,
      traffic,
    });
    const commands = await this.#blocking.commandsWithin(BLOCKING_CONNECT_MS);
    traffic.roundTrips += 1;
    return send(commands);
  }

  stopBlocking(): void {
    this.#blocking?.disconnect();
    this.#blocking = undefined;
  }

  async close(): Promise<void> {
    this.#end();
    await this.#redis.quit().catch(() => this.#redis.disconnect());
  }

  /** Fails pending commands at once. */
  disconnect(): void {
    this.#end();
    this.#redis.disconnect();
  }

  /** Fails pending commands, and connects anew. `error`: the reason; undefined: the server may not be the right one any more. */
  reconnect(error?: unknown): void {
    if (!this.#isVerified) return;
    this.#fault ??= this.#faultOf(error);
    this.#lastFault = this.#fault;
    this.#isVerified = false;
    this.#redis.disconnect(true);
  }

  #end(): void {
    this.#isClosing = true;
    this.#watch?.stop();
    this.stopBlocking();
  }

  #connect(commandTimeoutMs: number, connector?: Pick<RedisOptions, 'Connector'>): Redis {
    const { address } = this.#target;
    return new Redis({
      ...connectionOptions(address.servers[0], address),
      ...connector,
      db: address.database,
      enableReadyCheck: false,
      disableClientInfo: true,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      commandTimeout: commandTimeoutMs,
      connectTimeout: CONNECT_TIMEOUT_MS,
      // Time for the server to close its side.
      disconnectTimeout: 500,
      // Detects a server that vanished without closing the connection.
      socketTimeout: 2_000,
      retryStrategy: () => Math.min(50 * 2 ** this.#failedAttempts, 1_000) + Math.random() * 100,
      // For example a former primary after a failover. Pending commands are not resent.
      reconnectOnError: (error) => {
        const reconnects = requiresReconnect(error);
        if (reconnects) this.#fault ??= this.#faultOf(error);
        return reconnects;
      },
    });
  }

  async #verify(): Promise<void> {
    const { address, allowed = new Set(), durability = 'memory' } = this.#target;
    try {
      // ioredis has already sent SELECT, but ignores its failure.
      const select = address.database > 0 ? this.#redis.select(address.database) : undefined;
      const [info] = await Promise.all([this.#redis.info(), select]);
      const fault = serverFault(info, this.#server, { allowed, durability });
      if (fault) return this.#refuse(fault);
      this.#isVerified = true;
      this.#reconnects += 1;
      this.#failedAttempts = 0;
      this.#fault = undefined;
      this.#outage?.recovered();
      if (infoField(info, 'aof_enabled') === '0') this.#log?.warn(NO_FILE);
      this.#runId = infoField(info, 'run_id');
      this.#watch?.start();
      for (const listener of [...this.#listeners, ...this.#onVerified]) listener();
    } catch (error) {
      this.#refuse(this.#faultOf(error));
    }
  }

  get #name(): string {
    const { servers, master } = this.#target.address;
    if (this.#place) return `Redis at ${formatPlace(this.#place)}`;
    return `Redis (${master} of the Sentinels at ${formatPlaces(servers)})`;
  }

  get #server(): ServerName {
    const { isTls, username, database } = this.#target.address;
    return { name: this.#name, isTls, username, database };
  }

  #faultOf(error: unknown): RedisFault {
    return this.#isVerified ? faultOf(error, this.#server) : connectFault(error, this.#server);
  }

  #refuse(fault: RedisFault): void {
    this.#fault ??= fault;
    this.#redis.disconnect(true);
  }

  #onClose(): void {
    this.#lastFault = this.#fault ?? this.#faultOf(undefined);
    this.#fault = undefined;
    this.#isVerified = false;
    this.#failedAttempts += 1;
    this.#watch?.stop();
    // A requested close is not an outage.
    if (!this.#isClosing) {
      if (this.#isOpen || !this.#lastFault.isPermanent) this.#outage?.failed(this.#lastFault);
      // Blocked on a former primary, it would not notice a failover.
      this.#blocking?.reconnect();
    }
    for (const listener of this.#listeners) listener();
  }

  /** Resolves when verified, on a fault for which `ends` is true, or after the timeout. */
  async #waitForAttempt(timeoutMs: number, ends: (fault: RedisFault) => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#listeners.delete(check);
        resolve();
      };
      const check = () => {
        if (this.#isVerified || (this.#lastFault && ends(this.#lastFault))) end();
      };
      const timer = setTimeout(end, timeoutMs).unref();
      this.#listeners.add(check);
    });
  }
}
