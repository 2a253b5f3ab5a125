// A connection whose failures show at once, and that sends nothing until the server is known to be the right one.
// ioredis by default queues commands while the server is away and sends those again whose reply was lost; a commit sent
// twice, or late, is worse than one that failed. It also goes on in database 0 where the one that was asked for does not
// exist, so each connection is verified before its first command: version, role, database.
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { OutageLog } from '../../observability/outage-log.js';
import { StartError } from '../../runtime/start-error.js';
import { hostAndPort, type RedisAddress } from './redis-address.js';
import { callsForReconnect } from './redis-error.js';
import { attemptFault, faultOf, type RedisFault, serverFault } from './redis-fault.js';

/** A callback has two round trips to make within its 2 s, as a rule; the limit of all of them is in work-queue.ts. */
const COMMAND_TIMEOUT_MS = 900;
const FIRST_CONNECT_MS = 2_000;

export class RedisConnection {
  readonly #address: RedisAddress;
  readonly #redis: Redis;
  readonly #log: Logger | undefined;
  readonly #outage: OutageLog | undefined;
  #other: RedisConnection | undefined;
  /** What is wrong for good before that is its opener's to tell. */
  #isOpen = false;
  #isVerified = false;
  #isClosing = false;
  #failedAttempts = 0;
  /** The first fault of the present attempt: those that follow only follow from it. */
  #fault: RedisFault | undefined;
  #lastFault: RedisFault | undefined;
  /** Called each time that an attempt has succeeded or failed. */
  readonly #waiting = new Set<() => void>();

  /** Without a log it tells nothing of its outages. */
  private constructor(address: RedisAddress, log: Logger | undefined, commandTimeoutMs: number) {
    this.#address = address;
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
      // How long the other end has to close its side, too.
      disconnectTimeout: 500,
      // A server that is gone without a word would else keep this connection, and all that was asked on it, for long.
      socketTimeout: 2_000,
      retryStrategy: () => Math.min(50 * 2 ** this.#failedAttempts, 1_000) + Math.random() * 100,
      // A former primary after a failover: leave it, but send nothing again.
      reconnectOnError: (error) => {
        const reconnects = callsForReconnect(error);
        if (reconnects) this.#fault ??= this.#faultOf(error);
        return reconnects;
      },
    });
    this.#redis.on('error', (error) => {
      this.#fault ??= this.#faultOf(error);
    });
    this.#redis.on('ready', () => void this.#verify());
    this.#redis.on('close', () => this.#closed());
  }

  /**
   * Resolves when connected, or when that takes longer than 2 s: it goes on trying, and `commands` throws meanwhile.
   * Rejects with StartError when waiting cannot help: a wrong password, version or database.
   */
  static async open(address: RedisAddress, log: Logger): Promise<RedisConnection> {
    const connection = new RedisConnection(address, log, COMMAND_TIMEOUT_MS);
    await connection.#outcome(FIRST_CONNECT_MS, (fault) => fault.isPermanent);
    const fault = connection.#lastFault;
    connection.#isOpen = connection.#isVerified || !fault?.isPermanent;
    if (connection.#isOpen) return connection;
    connection.disconnect();
    throw new StartError(fault?.message);
  }

  /** Another one to the same server, for commands that block. What it meets the first one meets, and reports, too. */
  another(commandTimeoutMs: number): RedisConnection {
    this.#other = new RedisConnection(this.#address, undefined, commandTimeoutMs);
    return this.#other;
  }

  /** Throws at once, with why, while the server cannot be used. */
  get commands(): Redis {
    if (this.#isVerified) return this.#redis;
    throw new Error(this.#lastFault?.message ?? 'not connected yet');
  }

  /** Like `commands`, but waits for the connection for so long. */
  async commandsWithin(timeoutMs: number): Promise<Redis> {
    if (!this.#isVerified) await this.#outcome(timeoutMs, () => false);
    return this.commands;
  }

  /** Resolves when what was asked before is answered. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#redis.quit().catch(() => this.#redis.disconnect());
  }

  /** Fails what is asked, and waits for nothing. */
  disconnect(): void {
    this.#isClosing = true;
    this.#redis.disconnect();
  }

  /** After a failover it would still be with the former primary, and never notice. */
  private leaveServer(): void {
    if (this.#isVerified) this.#redis.disconnect(true);
  }

  async #verify(): Promise<void> {
    const { database } = this.#address;
    try {
      // ioredis has sent SELECT, too, but goes on when it fails.
      const [facts] = await Promise.all([this.#redis.info(), database > 0 ? this.#redis.select(database) : undefined]);
      const fault = serverFault(facts, this.#address);
      if (fault) return this.#refuse(fault);
      this.#isVerified = true;
      this.#failedAttempts = 0;
      this.#fault = undefined;
      this.#outage?.recovered();
      warnOfSettings(facts, this.#log);
      for (const look of this.#waiting) look();
    } catch (error) {
      this.#refuse(this.#faultOf(error));
    }
  }

  #faultOf(error: unknown): RedisFault {
    return this.#isVerified ? faultOf(error, this.#address) : attemptFault(error, this.#address);
  }

  #refuse(fault: RedisFault): void {
    this.#fault ??= fault;
    this.#redis.disconnect(true);
  }

  #closed(): void {
    this.#lastFault = this.#fault ?? this.#faultOf(undefined);
    this.#fault = undefined;
    this.#isVerified = false;
    this.#failedAttempts += 1;
    // Not at the end of a close that was asked for.
    if (!this.#isClosing) {
      if (this.#isOpen || !this.#lastFault.isPermanent) this.#outage?.failed(this.#lastFault);
      this.#other?.leaveServer();
    }
    for (const look of this.#waiting) look();
  }

  /** Resolves when verified, at a fault that ends the wait, or when the time is over. */
  async #outcome(timeoutMs: number, ends: (fault: RedisFault) => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const look = () => {
        if (this.#isVerified || (this.#lastFault && ends(this.#lastFault))) end();
      };
      const timer = setTimeout(end, timeoutMs).unref();
      this.#waiting.add(look);
    });
  }
}

/** What this Redis is set to lose. Both are defaults of a bare server. */
function warnOfSettings(facts: string, log: Logger | undefined): void {
  if (facts.includes('aof_enabled:0')) log?.warn('Redis has no append-only file: when it crashes, presence is lost');
  const policy = /maxmemory_policy:(\S+)/.exec(facts)?.[1];
  if (policy && policy !== 'noeviction')
    log?.warn({ policy }, 'Redis may evict presence: set maxmemory-policy noeviction');
}
