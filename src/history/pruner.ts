// Deletes connections that ended before the retention period, in batches.
import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { HistoryStore } from './history-store.js';
import { forgetRevisions } from './revisions.js';

/** How many rows the projector deletes at once: changes wait meanwhile. */
const BATCH = 500;
/** Time between checks, once nothing is left to delete. */
const PERIOD_MS = 60_000;

export const HISTORY_RETENTION = Symbol('HistoryRetention');

@Injectable()
export class Pruner {
  #nextAtMs = 0;

  constructor(
    private readonly store: HistoryStore,
    @Inject(HISTORY_RETENTION) private readonly retentionMs: number,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Deletes at most one batch. Resolves with the number of connections. Rejects with HistoryUnavailableError. */
  async run(): Promise<number> {
    const nowMs = this.clock.now();
    if (nowMs < this.#nextAtMs) return 0;
    const oldestMs = nowMs - this.retentionMs;
    const count = await this.store.inTransaction(async (db) => {
      // Done first, so that deleted connections lie in a period already marked as no longer kept.
      await db
        .updateTable('projector')
        .set({ kept_from_ms: oldestMs })
        .where('kept_from_ms', '<', oldestMs)
        .where('position', 'is not', null)
        .execute();
      await forgetRevisions(db, oldestMs);
      // With a condition on the start and in its order, so that the index on it is used and no other rows are read.
      const old = db
        .selectFrom('connections')
        .select('id')
        .where('started_at_ms', '<', oldestMs)
        .where('ended_at_ms', '<', oldestMs)
        .orderBy('started_at_ms')
        .limit(BATCH);
      const { numDeletedRows } = await db.deleteFrom('connections').where('id', 'in', old).executeTakeFirst();
      await db.deleteFrom('gaps').where('to_ms', '<', oldestMs).execute();
      return Number(numDeletedRows);
    });
    if (count < BATCH) this.#nextAtMs = nowMs + PERIOD_MS;
    return count;
  }
}
