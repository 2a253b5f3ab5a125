import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FeedQuota, participantQuotaBytes } from '../../src/presence/write/feed-quota.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';

const DAY_MS = 86_400_000;
const P1 = 'p1' as SubjectKey;

describe('the feed quota of a participant', () => {
  it('is 1/32 of the feed, divided by the workers, but at least 1 MiB', () => {
    expect(participantQuotaBytes(256 * 2 ** 20, 1)).toBe(8 * 2 ** 20);
    expect(participantQuotaBytes(256 * 2 ** 20, 4)).toBe(2 * 2 ** 20);
    expect(participantQuotaBytes(2 ** 20, 64)).toBe(2 ** 20);
  });

  it('limits announcements within the retention to twice the quota plus one entry', () => {
    const quotaBytes = 10_000;
    const attempts = fc.array(fc.record({ gapMs: fc.nat(DAY_MS / 20), bytes: fc.integer({ min: 1, max: 3_000 }) }), {
      minLength: 50,
      maxLength: 200,
    });
    fc.assert(
      fc.property(attempts, (all) => {
        const quota = new FeedQuota(quotaBytes, DAY_MS);
        const announced: { atMs: number; bytes: number }[] = [];
        let nowMs = 0;
        for (const { gapMs, bytes } of all) {
          nowMs += gapMs;
          const refusal = quota.refusal(P1, nowMs);
          if (refusal) {
            expect(quota.refusal(P1, nowMs + refusal.retryAfterMs + 1)).toBeUndefined();
            continue;
          }
          quota.use(P1, bytes, nowMs);
          announced.push({ atMs: nowMs, bytes });
          const recent = announced.filter(({ atMs }) => atMs > nowMs - DAY_MS);
          expect(recent.reduce((sum, one) => sum + one.bytes, 0)).toBeLessThanOrEqual(2 * quotaBytes + 3_000);
        }
      }),
    );
  });

  it('is counted per participant, and evicts the oldest of too many participants', () => {
    const quota = new FeedQuota(100, DAY_MS);
    quota.use(P1, 1_000, 0);
    expect(quota.refusal('p2' as SubjectKey, 0)).toBeUndefined();
    for (let n = 0; n < 99_999; n += 1) quota.use(`q${n}` as SubjectKey, 1, 0);
    expect(quota.refusal(P1, 0)).toBeDefined();
    // The participants that announced longest ago are forgotten.
    for (let n = 0; n <= 100_000; n += 1) quota.use(`r${n}` as SubjectKey, 1, 0);
    expect(quota.refusal(P1, 0)).toBeUndefined();
  });
});
