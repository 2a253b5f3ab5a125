// Watches the server behind the connection: whether it still has the data that it acknowledged, and what its clock says.
//
// Replication is asynchronous, so a promoted replica may lack the newest commits, and so may a server that was restarted or
// flushed. A counter that every process increments reveals that: its new value is never as low as an earlier one, unless data
// was lost.
import type { Logger } from 'pino';
import type { Clock } from '../../runtime/clock.js';
import type { Incident, IncidentStore } from '../ports.js';
import type { LastSeen } from './last-seen.js';
import type { Shards } from './shards.js';
import { runTransaction } from './transaction.js';

const INTERVAL_MS = 2_000;
/** Half an hour. Of what was committed before, it is only known that it is missing. */
const MAX_SAMPLES = 900;
const WARN_CLOCK_MS = 1_000;

interface Sample {
  readonly count: number;
  readonly atMs: number;
}

interface WatchOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** What the processes apply again by themselves; see event-intake.ts. A longer loss is an incident. */
  readonly replayWindowMs: number;
  /** undefined: a restarted process does not notice what was lost meanwhile. */
  readonly lastSeen?: LastSeen | undefined;
}

export class ServerWatch implements IncidentStore {
  readonly #shards: Shards;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #replayWindowMs: number;
  readonly #lastSeen: LastSeen | undefined;
  /** Oldest first. */
  #samples: Sample[] = [];
  #epoch: string | undefined;
  #runId: string | undefined;
  #intactAtMs = Number.NEGATIVE_INFINITY;
  #clockAheadMs: number | undefined;
  /** Not stored yet. */
  #incident: Incident | undefined;
  #isClockWarned = false;
  #onPossibleLoss = () => {};
  #cancel = () => {};
  #isStopped = false;
  #checking: Promise<void> | undefined;

  constructor(shards: Shards, { clock, log, replayWindowMs, lastSeen }: WatchOptions) {
    this.#shards = shards;
    this.#clock = clock;
    this.#log = log;
    this.#replayWindowMs = replayWindowMs;
    this.#lastSeen = lastSeen;
    const seen = lastSeen?.read();
    if (seen) [this.#epoch, this.#samples] = [seen.epoch, [seen]];
    shards.redis.onVerified(() => this.start());
  }

  get clockAheadMs(): number | undefined {
    return this.#clockAheadMs;
  }

  get intactAtMs(): number {
    return this.#intactAtMs;
  }

  onPossibleLoss(listener: () => void): void {
    this.#onPossibleLoss = listener;
  }

  /** Checks now, and then periodically. */
  start(): void {
    // A refusal is logged; the connection reports its own faults.
    this.check()
      .catch(() => {})
      .finally(() => {
        this.#cancel();
        if (!this.#isStopped) this.#cancel = this.#clock.after(INTERVAL_MS, () => this.start());
      });
  }

  /** Rejects with StoreUnavailableError. */
  check(): Promise<void> {
    this.#checking ??= this.#shards
      .attempt('watch for lost data', () => this.#checkOnce())
      .finally(() => {
        this.#checking = undefined;
      });
    return this.#checking;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  async list(): Promise<Incident[]> {
    const texts = await this.#shards.attempt('read incidents', async () => {
      const { commands } = this.#shards.redis;
      const ids = await commands.zrange(this.#shards.first.incidents, 0, '-1');
      return ids.length === 0 ? [] : commands.mget(ids.map((id) => this.#shards.first.incident(id)));
    });
    return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as Incident]));
  }

  async acknowledge(id: string): Promise<boolean> {
    const count = await this.#shards.attempt('store incidents', async () =>
      this.#shards.redis.commands.zrem(this.#shards.first.incidents, id),
    );
    if (count > 0) this.#log.info({ incident: id }, 'an incident was acknowledged');
    return count > 0;
  }

  async #checkOnce(): Promise<void> {
    const { redis } = this.#shards;
    const { runId } = redis;
    const sentMs = this.#clock.now();
    const [epoch, count, time] = await Promise.all([
      redis.commands.get(this.#shards.first.epoch),
      redis.commands.incr(this.#shards.first.watch),
      redis.commands.time(),
    ]);
    const nowMs = this.#clock.now();
    this.#compareClocks(time as unknown as [string, string], (sentMs + nowMs) / 2);
    this.#compareData(epoch ?? undefined, count, runId, nowMs);
    this.#intactAtMs = nowMs;
    await this.#report();
    // After the report: a process that ends before it is to notice again.
    if (epoch !== null) this.#lastSeen?.write({ epoch, count, atMs: nowMs });
  }

  #compareClocks([seconds, micros]: readonly [string, string], atMs: number): void {
    this.#clockAheadMs = Math.round(atMs - Number(seconds) * 1_000 - Number(micros) / 1_000);
    const isOff = Math.abs(this.#clockAheadMs) > WARN_CLOCK_MS;
    if (isOff && !this.#isClockWarned) {
      const facts = { aheadMs: this.#clockAheadMs };
      this.#log.warn(facts, 'the clocks of this machine and of Redis differ: grace periods and ages will be wrong');
    }
    this.#isClockWarned = isOff;
  }

  #compareData(epoch: string | undefined, count: number, runId: string | undefined, nowMs: number): void {
    const last = this.#samples.at(-1);
    // Without an epoch, nothing was ever committed.
    const isEmptied = this.#epoch !== undefined && epoch !== this.#epoch;
    const isRolledBack = !isEmptied && this.#epoch !== undefined && last !== undefined && count <= last.count;
    const isOther = this.#runId !== undefined && runId !== this.#runId;
    const lostEpoch = this.#epoch;
    const kept = this.#samples.filter((sample) => sample.count < count).at(-1);
    if (isEmptied || isRolledBack) this.#samples = [];
    this.#epoch = epoch;
    this.#runId = runId;
    this.#samples.push({ count, atMs: nowMs });
    if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
    if (!isEmptied && !isRolledBack && !isOther) return;
    this.#onPossibleLoss();
    const lostFromMs = isRolledBack ? kept?.atMs : undefined;
    const isHealed = lostFromMs !== undefined && last !== undefined && last.atMs - lostFromMs <= this.#replayWindowMs;
    if ((!isEmptied && !isRolledBack) || isHealed) return;
    const kind = isEmptied ? 'store-emptied' : 'store-rolled-back';
    const id = `${kind}-${lostEpoch ?? 'new'}-${runId?.slice(0, 8)}`;
    this.#incident = { id, kind, detectedAtMs: nowMs, lostFromMs };
  }

  /** Once, although every process finds out. If Redis goes away meanwhile, with the next check. */
  async #report(): Promise<void> {
    if (!this.#incident) return;
    const { id, kind, detectedAtMs, lostFromMs } = this.#incident;
    const { first, redis } = this.#shards;
    const transaction = redis.commands.multi().set(first.incident(id), JSON.stringify(this.#incident), 'NX');
    const [isFirst] = await runTransaction(transaction.zadd(first.incidents, 'NX', detectedAtMs, id));
    this.#incident = undefined;
    if (isFirst === null) return;
    const lostFrom = lostFromMs === undefined ? undefined : new Date(lostFromMs).toISOString();
    this.#log.error(
      { incident: id, lostFrom },
      `${MEANINGS[kind]}: acknowledge it with POST /v1/incidents/{id}/acknowledge`,
    );
  }
}

const MEANINGS = {
  'store-emptied': 'Redis has lost its data: participants whose last event is older than REPLAY_WINDOW_MS are missing',
  'store-rolled-back': 'Redis came back with older data: events that were acknowledged are missing',
} as const;
