// Ends of all devices in examples: how many are kept, and what that means for events that are received later.
import { describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from '../../src/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import { MAX_KEPT_ENDS } from '../../src/domain/participant-ends.js';
import { DEFAULT_POLICY } from '../../src/domain/policy.js';
import { connected, participantEnd, policy } from './builders.js';

const s = (seconds: number) => 1_790_000_000_000 + seconds * 1_000;
const endAt = (seconds: number, receivedAt = seconds) =>
  participantEnd('participant-left', { at: s(seconds), receivedAt: s(receivedAt) });
/** At 10 s, 20 s, … */
const ends = (count: number) => Array.from({ length: count }, (_, n) => endAt(10 * (n + 1)));

function receive(events: readonly RecordedEvent[], before?: ParticipantRecord) {
  const { record, verdicts, changes } = advance(before, events, s(1_000), policy);
  if (!record) throw new Error('there is no record');
  return {
    record,
    verdicts,
    changes,
    timesOfEnds: record.ends.map(({ occurredAtMs }) => (occurredAtMs - s(0)) / 1_000),
  };
}

describe('ends of all devices', () => {
  it('are kept up to a number of them: the newest ones', () => {
    const full = receive(ends(MAX_KEPT_ENDS));
    expect(full.timesOfEnds).toEqual([10, 20, 30, 40, 50, 60, 70, 80]);
    expect(full.verdicts).not.toContain('stale');
    const newer = receive([endAt(90), endAt(85)], full.record);
    expect(newer.verdicts).toEqual(['applied', 'applied']);
    expect(newer.timesOfEnds).toEqual([30, 40, 50, 60, 70, 80, 85, 90]);
  });

  it('are stale if they are older than all that are kept, and the limit is reached', () => {
    const { record } = receive(ends(MAX_KEPT_ENDS - 1));
    const full = receive([endAt(5)], record);
    expect(full.verdicts).toEqual(['applied']);
    expect(full.timesOfEnds).toEqual([5, 10, 20, 30, 40, 50, 60, 70]);
    const older = receive([endAt(4)], full.record);
    expect([older.verdicts, older.record]).toEqual([['stale'], full.record]);
  });

  it('are duplicates if they are known, and keep the earlier time of receipt', () => {
    const { record } = receive([endAt(10, 20)]);
    const later = receive([endAt(10, 30)], record);
    expect([later.verdicts, later.record]).toEqual([['duplicate'], record]);
    const earlier = receive([endAt(10, 15)], record);
    expect([earlier.verdicts, earlier.changes]).toEqual([['duplicate'], []]);
    expect(earlier.record.ends).toMatchObject([{ receivedAtMs: s(15) }]);
  });

  it('that are dropped also end the connect of an unknown device that is received later', () => {
    const { record } = receive(ends(MAX_KEPT_ENDS + 3));
    const connects = [connected({ at: s(30), receivedAt: s(500) }), connected({ at: s(31), receivedAt: s(500) })];
    const { verdicts, record: known } = receive(connects, record);
    expect(verdicts).toEqual(['stale', 'applied']);
    expect(known.announced.devices).toMatchObject([{ state: 'gone', connectedAtMs: s(31) }]);
    // Also if the next one that is dropped is older.
    const full = receive(ends(MAX_KEPT_ENDS), { ...record, ends: [] });
    expect(receive([endAt(85)], full.record).record.evictedUpToMs).toBe(s(30));
  });

  it('are forgotten a retention period after the last one was received', () => {
    const { record } = receive([endAt(10, 40), endAt(20, 30)]);
    expect(record.deadlineMs).toBe(s(40) + DEFAULT_POLICY.retentionMs);
    expect(advance(record, [], record.deadlineMs, policy).record).toBeUndefined();
  });
});
