// Limits how much one participant may add to the feed. The feed is bounded in bytes and drops its oldest changes first:
// without a quota, a flood of events of one participant would shorten the retention of all other changes.
import { RecentMap } from '../../runtime/recent-map.js';
import type { SubjectKey } from '../../storage/encoding/subject-key.js';

/** The share of FEED_MAX_BYTES that a participant may add in a burst, and that refills within FEED_RETENTION_MS. */
const QUOTA_SHARE = 1 / 32;
/** A few thousand changes, even for a small feed: refusing a genuine callback is worse than a shorter retention. */
const MIN_QUOTA_BYTES = 1024 * 1024;
/** So many are tracked at least, and twice as many at most. Those that announced longest ago are forgotten first. */
const MIN_PARTICIPANTS = 100_000;

/** The quota of one process. Each worker counts only its own writes, so the quota is divided among them. */
export function participantQuotaBytes(feedMaxBytes: number, workers: number): number {
  return Math.max(MIN_QUOTA_BYTES, Math.floor((feedMaxBytes * QUOTA_SHARE) / workers));
}

export class FeedQuotaError extends Error {
  override readonly name = 'FeedQuotaError';

  constructor(
    readonly key: SubjectKey,
    readonly retryAfterMs: number,
  ) {
    super('the feed quota of this participant is used up');
  }
}

interface Usage {
  readonly bytes: number;
  readonly atMs: number;
}

/** A leaky bucket per participant, local to this process. */
export class FeedQuota {
  readonly #usages = new RecentMap<SubjectKey, Usage>(MIN_PARTICIPANTS);
  readonly #bytesPerMs: number;

  constructor(
    private readonly quotaBytes: number,
    retentionMs: number,
  ) {
    this.#bytesPerMs = quotaBytes / retentionMs;
  }

  /** undefined: the quota is not used up. */
  refusal(key: SubjectKey, nowMs: number): FeedQuotaError | undefined {
    const overBytes = this.#usedBytes(this.#usages.get(key), nowMs) - this.quotaBytes;
    return overBytes >= 0 ? new FeedQuotaError(key, overBytes / this.#bytesPerMs) : undefined;
  }

  /** Must be called for everything that is announced. */
  use(key: SubjectKey, bytes: number, nowMs: number): void {
    const used = this.#usedBytes(this.#usages.get(key), nowMs);
    this.#usages.set(key, { bytes: used + bytes, atMs: nowMs });
  }

  #usedBytes(usage: Usage | undefined, nowMs: number): number {
    return usage ? Math.max(0, usage.bytes - (nowMs - usage.atMs) * this.#bytesPerMs) : 0;
  }
}
