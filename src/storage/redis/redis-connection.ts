// A connection that fails fast, and sends no commands until the server is verified.
// By default, ioredis queues commands while disconnected and resends those whose reply was lost; a commit sent late or twice
// is worse than a failed one. It also stays in database 0 if the configured one does not exist. So each connection is
// verified before its first command: version, role, database.
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { OutageLog } from '../../observability/outage-log.js';
import { StartError } from '../../runtime/start-error.js';
import type { Durability } from './durability.js';
import { hostAndPort, type RedisAddress } from './redis-address.js';
import { requiresReconnect } from './redis-error.js';
import { type Allowance, connectFault, faultOf, infoField, type RedisFault, serverFault } from './redis-fault.js';

/** A callback usually needs two round trips within its 2 s timeout (update-queue.ts). */
const COMMAND_TIMEOUT_MS = 900;
const FIRST_CONNECT_MS = 2_000;

const NO_FILE = 'Redis has no append-only file: if it crashes, presence is lost. Put "appendonly yes" into redis.conf';

export interface RedisTarget {
  readonly address: RedisAddress;
  /** What is accepted of the server although it can lose data. */
  readonly allowed?: ReadonlySet<Allowance>;
  readonly durability?: Durability;
}

export class RedisConnection {
  readonly #address: RedisAddress;
  readonly #allowed: ReadonlySet<Allowance>;
  readonly #durability: Durability;
  readonly #redis: Redis;
  readonly #log: Logger | undefined;
  readonly #outage: OutageLog | undefined;
  #other: RedisConnection | undefined;
  /** Until then, permanent faults are reported by `open`, not logged. */
  #isOpen = false;
  #isVerified = false;
  #isClosing = false;
  #failedAttempts = 0;
  /** The first fault of the current attempt; later ones are only consequences. */
  #fault: RedisFault | undefined;
  #lastFault: RedisFault | undefined;
  /** Identifies the server process. */
  #runId: string | undefined;
  #reconnects = -1;
  readonly #onVerified: (() => void)[] = [];
  /** Called whenever an attempt has succeeded or failed. */
  readonly #listeners = new Set<() => void>();

  /** Without a log, outages are not reported. */
  private constructor(
    { address, allowed = new Set(), durability = 'memory' }: RedisTarget,
    log: Logger | undefined,
    commandTimeoutMs: number,
  ) {
    this.#address = address;
    this.#allowed = allowed;
    this.#durability = durability;
    this.#log = log;
    this.#outage = log && new OutageLog(log, `Redis at ${hostAndPort(address)}`);
    this.#redis = new Redis({
      host: address.host,
      port: address.port,
      db: address.database,
      username: address.username,
      password: address.password,
      ...(address.isTls && { tls: {} }),
      enableReadyCheck: false,
      disableClientInfo: true,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      commandTimeout: commandTimeoutMs,
      connectTimeout: 1_000,
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
    this.#redis.on('error', (error) => {
      this.#fault ??= this.#faultOf(error);
    });
    this.#redis.on('ready', () => void this.#verify());
    this.#redis.on('close', () => this.#onClose());
  }

  /**
   * Resolves when connected, or after 2 s: it keeps trying, and `commands` throws meanwhile.
   * Rejects with StartError for permanent faults: a wrong password, version, database or eviction policy.
   */
  static async open(target: RedisTarget, log: Logger): Promise<RedisConnection> {
    const connection = new RedisConnection(target, log, COMMAND_TIMEOUT_MS);
    await connection.#waitForAttempt(FIRST_CONNECT_MS, (fault) => fault.isPermanent);
    const fault = connection.#lastFault;
    connection.#isOpen = connection.#isVerified || !fault?.isPermanent;
    if (connection.#isOpen) return connection;
    connection.disconnect();
    throw new StartError(fault?.message);
  }

  /** A second connection for blocking commands. It logs nothing: this one has the same faults. */
  duplicate(commandTimeoutMs: number): RedisConnection {
    const target = { address: this.#address, allowed: this.#allowed, durability: this.#durability };
    this.#other = new RedisConnection(target, undefined, commandTimeoutMs);
    return this.#other;
  }

  /** Since the first connection. */
  get reconnects(): number {
    return Math.max(0, this.#reconnects);
  }

  /** That of the server that was verified last. */
  get runId(): string | undefined {
    return this.#runId;
  }

  /** `listener` is called after each reconnect. */
  onVerified(listener: () => void): void {
    this.#onVerified.push(listener);
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

  /** Resolves when all pending commands are answered. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#redis.quit().catch(() => this.#redis.disconnect());
  }

  /** Fails pending commands at once. */
  disconnect(): void {
    this.#isClosing = true;
    this.#redis.disconnect();
  }

  /** A connection that is blocked on a former primary would not notice a failover. */
  private reconnect(): void {
    if (this.#isVerified) this.#redis.disconnect(true);
  }

  async #verify(): Promise<void> {
    const { database } = this.#address;
    try {
      // ioredis has already sent SELECT, but ignores its failure.
      const [info] = await Promise.all([this.#redis.info(), database > 0 ? this.#redis.select(database) : undefined]);
      const fault = serverFault(info, this.#address, { allowed: this.#allowed, durability: this.#durability });
      if (fault) return this.#refuse(fault);
      this.#isVerified = true;
      this.#reconnects += 1;
      this.#failedAttempts = 0;
      this.#fault = undefined;
      this.#outage?.recovered();
      if (infoField(info, 'aof_enabled') === '0') this.#log?.warn(NO_FILE);
      this.#runId = infoField(info, 'run_id');
      for (const listener of [...this.#listeners, ...this.#onVerified]) listener();
    } catch (error) {
      this.#refuse(this.#faultOf(error));
    }
  }

  #faultOf(error: unknown): RedisFault {
    return this.#isVerified ? faultOf(error, this.#address) : connectFault(error, this.#address);
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
    // A requested close is not an outage.
    if (!this.#isClosing) {
      if (this.#isOpen || !this.#lastFault.isPermanent) this.#outage?.failed(this.#lastFault);
      this.#other?.reconnect();
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
