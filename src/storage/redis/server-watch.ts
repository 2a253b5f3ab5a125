// Watches the servers: whether they still have the data that they acknowledged (shard-watch.ts), and what their clocks say.
import type { Logger } from 'pino';
import type { Clock } from '../../runtime/clock.js';
import type { Incident, IncidentStore } from '../ports.js';
import type { LastSeen } from './last-seen.js';
import type { Shard } from './shard.js';
import { type Loss, ShardWatch } from './shard-watch.js';
import type { Shards } from './shards.js';
import { runTransaction } from './transaction.js';

const INTERVAL_MS = 2_000;
const WARN_CLOCK_MS = 1_000;

interface Look {
  readonly shard: Shard;
  readonly atMs: number;
  /** How far the clock of this machine is ahead of that of the server. */
  readonly aheadMs: number;
  readonly outcome: Loss | 'possible' | undefined;
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
  readonly #lastSeen: LastSeen | undefined;
  /** By shard. */
  readonly #watches: readonly ShardWatch[];
  /** By shard, when it was looked at last. */
  readonly #intactAtMs: number[];
  #clockAheadMs: number | undefined;
  /** Not stored yet. */
  #incidents: Incident[] = [];
  #isClockWarned = false;
  readonly #lossListeners: (() => void)[] = [];
  #cancel = () => {};
  #isStopped = false;
  #checking: Promise<void> | undefined;

  constructor(shards: Shards, { clock, log, replayWindowMs, lastSeen }: WatchOptions) {
    this.#shards = shards;
    this.#clock = clock;
    this.#log = log;
    this.#lastSeen = lastSeen;
    const seen = lastSeen?.read() ?? [];
    this.#watches = shards.all.map((_, shard) => new ShardWatch(replayWindowMs, seen[shard]));
    this.#intactAtMs = shards.all.map(() => Number.NEGATIVE_INFINITY);
    shards.client.onVerified(() => this.start());
  }

  get clockAheadMs(): number | undefined {
    return this.#clockAheadMs;
  }

  get intactAtMs(): number {
    return Math.min(...this.#intactAtMs);
  }

  onPossibleLoss(listener: () => void): void {
    this.#lossListeners.push(listener);
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
    const { first } = this.#shards;
    const texts = await this.#shards.attempt('read incidents', async () => {
      const ids = await this.#shards.run(first, (commands) => commands.zrange(first.incidents, 0, '-1'));
      if (ids.length === 0) return [];
      return this.#shards.run(first, (commands) => commands.mget(ids.map((id) => first.incident(id))));
    });
    return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as Incident]));
  }

  async acknowledge(id: string): Promise<boolean> {
    const { first } = this.#shards;
    const count = await this.#shards.attempt('store incidents', async () =>
      this.#shards.run(first, (commands) => commands.zrem(first.incidents, id)),
    );
    if (count > 0) this.#log.info({ incident: id }, 'an incident was acknowledged');
    return count > 0;
  }

  /** A shard that cannot be reached is compared later; the others are compared now. */
  async #checkOnce(): Promise<void> {
    const looks = await Promise.allSettled(this.#shards.all.map((shard) => this.#look(shard)));
    const found = looks.flatMap((look) => (look.status === 'fulfilled' ? [look.value] : []));
    this.#compareClocks(found.map(({ aheadMs }) => aheadMs));
    if (found.some(({ outcome }) => outcome !== undefined)) for (const listener of this.#lossListeners) listener();
    // Not before: what is applied again begins where the data was last known to be intact.
    for (const { shard, atMs } of found) this.#intactAtMs[shard.number] = atMs;
    const losses = found.flatMap(({ outcome }) => (outcome === undefined || outcome === 'possible' ? [] : [outcome]));
    this.#incidents.push(...incidentsOf(losses, this.#clock.now()));
    // If the store was emptied, its layout was removed as well.
    await this.#shards.open();
    await this.#report();
    // After the report: a process that ends before it is to notice again.
    const seen = this.#watches.map((watch) => watch.seen);
    if (seen.some((one) => one !== undefined)) this.#lastSeen?.write(seen);
    const failed = looks.find((look) => look.status === 'rejected');
    if (failed) throw failed.reason;
  }

  async #look(shard: Shard): Promise<Look> {
    const runId = this.#shards.client.runIdOf(shard.slot);
    const sentMs = this.#clock.now();
    const [epoch, count, time] = await Promise.all([
      this.#shards.run(shard, (commands) => commands.get(shard.epoch)),
      this.#shards.run(shard, (commands) => commands.incr(shard.watch)),
      this.#shards.run(shard, (commands) => commands.time()),
    ]);
    const nowMs = this.#clock.now();
    const [seconds, micros] = time as unknown as [string, string];
    const aheadMs = Math.round((sentMs + nowMs) / 2 - Number(seconds) * 1_000 - Number(micros) / 1_000);
    const watch = this.#watches[shard.number] as ShardWatch;
    const outcome = watch.compare({ epoch: epoch ?? undefined, count, runId, atMs: nowMs });
    return { shard, atMs: nowMs, aheadMs, outcome };
  }

  /** `aheadMs`: of this machine, compared to the server of each shard. */
  #compareClocks(aheadMs: readonly number[]): void {
    if (aheadMs.length === 0) return;
    const worstMs = aheadMs.reduce((worst, one) => (Math.abs(one) > Math.abs(worst) ? one : worst));
    this.#clockAheadMs = worstMs;
    const isOff = Math.abs(worstMs) > WARN_CLOCK_MS;
    if (isOff && !this.#isClockWarned) {
      const facts = { aheadMs: worstMs };
      this.#log.warn(facts, 'the clocks of this machine and of Redis differ: grace periods and ages will be wrong');
    }
    this.#isClockWarned = isOff;
  }

  /** Each once, although every process finds out. If Redis becomes unavailable meanwhile, with the next check. */
  async #report(): Promise<void> {
    const { first } = this.#shards;
    for (let incident = this.#incidents[0]; incident; incident = this.#incidents[0]) {
      const { id, kind, detectedAtMs, lostFromMs } = incident;
      const text = JSON.stringify(incident);
      const [isFirst] = await this.#shards.run(first, (commands) =>
        runTransaction(
          commands.multi().set(first.incident(id), text, 'NX').zadd(first.incidents, 'NX', detectedAtMs, id),
        ),
      );
      this.#incidents.shift();
      if (isFirst === null) continue;
      const lostFrom = lostFromMs === undefined ? undefined : new Date(lostFromMs).toISOString();
      this.#log.error(
        { incident: id, lostFrom },
        `${MEANINGS[kind]}: acknowledge it with POST /v1/incidents/{id}/acknowledge`,
      );
    }
  }
}

const MEANINGS = {
  'store-emptied': 'Redis has lost its data: participants whose last event is older than REPLAY_WINDOW_MS are missing',
  'store-rolled-back': 'Redis came back with older data: events that were acknowledged are missing',
} as const;

/** One for each server and kind, not for each of its shards. */
function incidentsOf(losses: readonly Loss[], detectedAtMs: number): Incident[] {
  const byServer = new Map<string, Incident>();
  for (const { kind, lostFromMs, epoch, runId = '' } of losses) {
    const before = byServer.get(kind + runId);
    // Named after the first shard, so that all processes give it the same name.
    const id = before?.id ?? `${kind}-${epoch ?? 'new'}-${runId.slice(0, 8)}`;
    const earliestMs = before ? minimum(before.lostFromMs, lostFromMs) : lostFromMs;
    byServer.set(kind + runId, { id, kind, detectedAtMs, lostFromMs: earliestMs });
  }
  return [...byServer.values()];
}

/** undefined: not known how early. */
function minimum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Math.min(a, b);
}
