// How much one participant may add to the feed. The feed is bounded in bytes, and its oldest changes are dropped first: without
// a quota, a flood of events of one participant would shorten the time for which the changes of all others are kept.
import type { SubjectKey } from '../../storage/encoding/subject-key.js';

/** The part of FEED_MAX_BYTES that a participant may add at once, and again within each FEED_RETENTION_MS. */
const QUOTA_PART = 1 / 32;
/** A few thousand changes, however small the feed is: to refuse an honest callback is worse than to keep changes for less long. */
const MIN_QUOTA_BYTES = 1024 * 1024;
/** Participants remembered at once. The one that announced something longest ago is forgotten first. */
const MAX_PARTICIPANTS = 100_000;

/** Of one process: each worker counts only what it writes itself, so the quota is divided among them. */
export function participantQuotaBytes(feedMaxBytes: number, workers: number): number {
  return Math.max(MIN_QUOTA_BYTES, Math.floor((feedMaxBytes * QUOTA_PART) / workers));
}

/** An event was refused because the quota of its participant is used up. */
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

/** A leaky bucket for each participant, in this process alone. */
export class FeedQuota {
  readonly #usages = new Map<SubjectKey, Usage>();
  readonly #bytesPerMs: number;

  constructor(
    private readonly quotaBytes: number,
    retentionMs: number,
  ) {
    this.#bytesPerMs = quotaBytes / retentionMs;
  }

  /** The error for an event of this participant; undefined: its quota is not used up. */
  refusal(key: SubjectKey, nowMs: number): FeedQuotaError | undefined {
    const overBytes = this.#usedBytes(this.#usages.get(key), nowMs) - this.quotaBytes;
    return overBytes >= 0 ? new FeedQuotaError(key, overBytes / this.#bytesPerMs) : undefined;
  }

  /** To be called with everything that was announced. */
  use(key: SubjectKey, bytes: number, nowMs: number): void {
    const used = this.#usedBytes(this.#usages.get(key), nowMs);
    this.#usages.delete(key);
    this.#usages.set(key, { bytes: used + bytes, atMs: nowMs });
    for (const [first, usage] of this.#usages) {
      if (this.#usages.size <= MAX_PARTICIPANTS && this.#usedBytes(usage, nowMs) > 0) break;
      this.#usages.delete(first);
    }
  }

  #usedBytes(usage: Usage | undefined, nowMs: number): number {
    return usage ? Math.max(0, usage.bytes - (nowMs - usage.atMs) * this.#bytesPerMs) : 0;
  }
}
