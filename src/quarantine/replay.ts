// Replays quarantined callbacks through today's code. A callback that is applied, or now known not to concern presence, is removed;
// any other one stays. To replay a callback twice changes nothing: presence is a function of the set of events.
import { Inject, Injectable } from '@nestjs/common';
import type { FieldError, RefusalReason } from '../http/problem.js';
import { ThrottledLog } from '../observability/throttled-log.js';
import {
  type QuarantinedCallback,
  type QuarantineFilter,
  type QuarantineStore,
  StoreUnavailableError,
} from '../storage/ports.js';
import type { TimedId } from '../storage/timed-id.js';
import { QUARANTINE_STORE } from '../storage/tokens.js';
import { countMatching } from './matching.js';

/** Callbacks replayed by one run, and at the same time. */
const MAX_REPLAYED = 500;
const BATCH_SIZE = 32;

export const REPLAY_OUTCOMES = ['applied', 'ignored', 'spooled'] as const;

export type ReplayResult =
  /** `ignored`: a duplicate, outdated, or of no concern to presence. `spooled`: applied once the store is back. */
  | { readonly outcome: (typeof REPLAY_OUTCOMES)[number] }
  | {
      readonly outcome: 'refused';
      readonly reason: RefusalReason;
      readonly detail: string;
      readonly errors?: readonly FieldError[];
    };

export interface CallbackReplayer {
  /** Rejects if the callback may be applied later: the store is unavailable, or a limit is reached. */
  replay(callback: QuarantinedCallback): Promise<ReplayResult>;
}

interface ReplayTotals {
  readonly replayed: number;
  /** They stay. */
  readonly failed: number;
  /** Those that match and were not examined. */
  readonly remaining: number;
  /** Where to continue; null: all were examined. */
  readonly next: TimedId | null;
}

@Injectable()
export class QuarantineReplay {
  #replayer: CallbackReplayer | undefined;

  constructor(
    @Inject(QUARANTINE_STORE) private readonly store: QuarantineStore,
    private readonly log: ThrottledLog,
  ) {}

  /** Must be called before the first replay. */
  start(replayer: CallbackReplayer): void {
    this.#replayer = replayer;
  }

  /** undefined: there is no such callback. Rejects like CallbackReplayer, or with StoreUnavailableError. */
  async one(id: TimedId): Promise<ReplayResult | undefined> {
    const callback = await this.store.get(id);
    if (!callback || !this.#replayer) return undefined;
    const result = await this.#replayer.replay(callback);
    if (result.outcome !== 'refused') await this.store.remove([id]);
    return result;
  }

  /**
   * Replays the newest ones that match and are older than `before`, in the order of receipt: long histories are then folded in
   * order. Callbacks of the wrong participant are replayed only if the filter names that reason, since an operator must have decided
   * that they are genuine. Rejects with StoreUnavailableError, possibly after some were replayed.
   */
  async many(filter: QuarantineFilter, before: TimedId | null): Promise<ReplayTotals> {
    const isWanted = (reason: string) => reason !== 'wrong-participant' || filter.reason === reason;
    const page = await this.store.page(filter, before, MAX_REPLAYED);
    const ids = page.filter(({ reason }) => isWanted(reason)).map(({ id }) => id);
    ids.reverse();
    let [replayed, failed] = [0, 0];
    for (let first = 0; first < ids.length; first += BATCH_SIZE) {
      const batch = ids.slice(first, first + BATCH_SIZE);
      const results = await Promise.all(batch.map((id) => this.#attempt(id)));
      replayed += results.filter((isReplayed) => isReplayed === true).length;
      failed += results.filter((isReplayed) => isReplayed === false).length;
    }
    const last = page.length < MAX_REPLAYED ? undefined : page.at(-1);
    const remaining = last ? await countMatching(this.store, filter, last.id, isWanted) : 0;
    return { replayed, failed, remaining, next: last && remaining > 0 ? last.id : null };
  }

  /** undefined: somebody else has removed it. */
  async #attempt(id: TimedId): Promise<boolean | undefined> {
    try {
      const result = await this.one(id);
      return result && result.outcome !== 'refused';
    } catch (error) {
      if (error instanceof StoreUnavailableError) throw error;
      // Not the message, which may quote the body.
      this.log.add('replay failed', {
        level: 'warn',
        message: 'a quarantined callback could not be replayed',
        linesPerMinute: 10,
        logFields: () => ({ quarantined: id, error: (error as Error).name }),
      });
      return false;
    }
  }
}
