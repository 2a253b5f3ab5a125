// The worked examples of availability in docs/rules.md, and what they do not show.
import { describe, expect, it } from '@jest/globals';
import { MAX_KEPT_FACTS } from '../../src/domain/availability.js';
import type { RecordedEvent } from '../../src/domain/lifecycle-event.js';
import { operatorFact } from '../../src/domain/operator-availability.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import { connected, disconnected, fact, left, policy } from './builders.js';

const at = (seconds: number) => ({ at: seconds * 1_000 });
const available = (value: 'available' | 'busy', since: number) => ({ value, sinceMs: since * 1_000 });

/** At 60 s, within nobody's grace. */
function recordOf(events: readonly RecordedEvent[], nowMs = 60_000): ParticipantRecord {
  const { record } = advance(undefined, events, nowMs, policy);
  if (!record) throw new Error('forgotten');
  return record;
}
const availabilityAfter = (events: readonly RecordedEvent[], nowMs?: number) =>
  recordOf(events, nowMs).announced.availability;

/** States what an operator says at this time. */
function stated(
  record: ParticipantRecord,
  availability: 'available' | 'busy' | 'unknown',
  { now, until }: { now: number; until?: number },
): ParticipantRecord {
  const event = operatorFact(record, { availability, untilMs: until && until * 1_000 }, now * 1_000);
  if (!event) throw new Error('gone');
  return advance(record, [event], now * 1_000, policy).record as ParticipantRecord;
}
const passed = (record: ParticipantRecord, seconds: number) =>
  advance(record, [], seconds * 1_000, policy).record as ParticipantRecord;

describe('availability', () => {
  it('is unknown until something is said of it', () => {
    expect(availabilityAfter([connected(at(0))])).toBeUndefined();
  });

  it('is what was said last, since the first of equal facts', () => {
    const facts = [fact('busy', at(5)), fact('available', at(10)), fact('available', at(20))];
    expect(availabilityAfter([connected(at(0)), ...facts])).toEqual(available('available', 10));
    expect(availabilityAfter([connected(at(0)), ...facts, fact('busy', at(15))])).toEqual(available('available', 20));
    expect(availabilityAfter([connected(at(0)), ...facts, fact('busy', at(30))])).toEqual(available('busy', 30));
  });

  it('is unknown while the participant is not connected, and again what it was after an interruption', () => {
    const events = [connected(at(0)), fact('available', at(10)), disconnected(at(50))];
    expect(availabilityAfter(events)).toBeUndefined();
    expect(availabilityAfter([...events, connected(at(55))])).toEqual(available('available', 10));
  });

  it('is unknown at the start of a new presence', () => {
    const events = [connected(at(0)), fact('available', at(10)), left(at(20)), connected(at(40))];
    expect(availabilityAfter(events)).toBeUndefined();
    expect(availabilityAfter([...events, fact('available', at(41))])).toEqual(available('available', 41));
  });

  it('may be received before the connect', () => {
    const early = recordOf([fact('available', at(1))]);
    expect(early.announced).toMatchObject({ state: 'gone', devices: [] });
    const { record } = advance(early, [connected(at(0))], 60_000, policy);
    expect(record?.announced).toMatchObject({ state: 'connected', availability: available('available', 1) });
  });

  it('is busy if both are said in the same millisecond', () => {
    const facts = [fact('busy', at(10)), fact('available', at(10))];
    expect(availabilityAfter([connected(at(0)), ...facts])).toEqual(available('busy', 10));
  });

  it('is announced as a change of the participant alone', () => {
    const before = recordOf([connected(at(0))]);
    const { changes } = advance(before, [fact('available', at(10))], 60_000, policy);
    expect(changes).toEqual([
      expect.objectContaining({
        type: 'participant.updated',
        availability: available('available', 10),
        occurredAtMs: 10_000,
      }),
    ]);
    expect(changes[0]?.deviceId).toBeUndefined();
  });

  it('announces nothing when a fact of a participant who is gone is received', () => {
    const before = recordOf([connected(at(0)), left(at(10))]);
    const { changes, verdicts } = advance(before, [fact('busy', at(11))], 60_000, policy);
    expect([changes, verdicts]).toEqual([[], ['applied']]);
  });

  it('ignores a fact that is older than all that are kept', () => {
    const kept = Array.from({ length: MAX_KEPT_FACTS }, (_, n) => fact(n % 2 ? 'busy' : 'available', at(10 + n)));
    const before = recordOf([connected(at(0)), ...kept]);
    expect(advance(before, [fact('busy', at(5))], 60_000, policy)).toEqual({
      record: before,
      changes: [],
      verdicts: ['stale'],
    });
  });
});

describe('availability said by an operator', () => {
  const present = () => recordOf([connected(at(0)), fact('available', at(10))]);

  it('counts from then on, until a later event of the provider', () => {
    const busy = stated(present(), 'busy', { now: 70 });
    expect(busy.announced.availability).toEqual(available('busy', 70));
    const late = advance(busy, [fact('available', { ...at(65), receivedAt: 71_000 })], 71_000, policy).record;
    expect(late?.announced.availability).toEqual(available('busy', 70));
    const { record } = advance(busy, [fact('available', at(80))], 80_000, policy);
    expect(record?.announced.availability).toEqual(available('available', 80));
  });

  it('ends at its time, and then counts what had been said before', () => {
    const busy = stated(present(), 'busy', { now: 70, until: 100 });
    expect(busy.deadlineMs).toBe(100_000);
    expect(passed(busy, 99).announced.availability).toEqual(available('busy', 70));
    expect(passed(busy, 100).announced.availability).toEqual(available('available', 100));
    const unknown = stated(recordOf([connected(at(0))]), 'available', { now: 70, until: 100 });
    expect(passed(unknown, 100).announced.availability).toBeUndefined();
  });

  it('does not return when a node whose clock is behind advances the record', () => {
    const over = passed(stated(present(), 'busy', { now: 70, until: 100 }), 100);
    const { record } = advance(over, [connected({ ...at(90), device: 'd2' })], 90_000, policy);
    expect(record?.announced.availability).toEqual(available('available', 100));
  });

  it('is replaced by what is said next, also in the same millisecond', () => {
    const first = stated(present(), 'busy', { now: 70 });
    const second = stated(first, 'available', { now: 70, until: 80 });
    expect(second.announced.availability?.value).toBe('available');
    const third = stated(second, 'unknown', { now: 75 });
    expect(third.announced.availability).toBeUndefined();
  });

  it('is about the present presence, also if the clock of the provider is ahead', () => {
    const ahead = recordOf([connected({ at: 64_000, receivedAt: 60_000 })]);
    expect(stated(ahead, 'available', { now: 61 }).announced.availability).toEqual(available('available', 64));
  });

  it('is announced without the time of a provider', () => {
    const event = operatorFact(present(), { availability: 'busy' }, 70_000);
    const { changes } = advance(present(), event ? [event] : [], 70_000, policy);
    expect(changes).toEqual([expect.objectContaining({ occurredAtMs: null, receivedAtMs: 70_000 })]);
  });

  it('says nothing of a participant who is gone', () => {
    const gone = recordOf([connected(at(0)), left(at(10))]);
    expect(operatorFact(gone, { availability: 'busy' }, 70_000)).toBeUndefined();
  });

  it('does not drop what counts again when it ends, however often it is repeated', () => {
    let record = recordOf([connected(at(0)), fact('busy', at(10))]);
    for (let n = 0; n < 40; n += 1) record = stated(record, 'available', { now: 70 + 30 * n, until: 130 + 30 * n });
    expect(record.announced.availability).toEqual(available('available', 70));
    expect(record.availabilityFacts).toHaveLength(MAX_KEPT_FACTS);
    expect(passed(record, 1_300).announced.availability).toEqual(available('busy', 1_300));
  });
});
