import { describe, expect, it } from '@jest/globals';
import { labelsFault, labelsOf } from '../../src/domain/labels.js';
import { operatorFact } from '../../src/domain/operator-availability.js';
import { operatorEnds, purge } from '../../src/domain/operator-end.js';
import { operatorLabels } from '../../src/domain/operator-labels.js';
import { type Advance, advance, type ParticipantRecord } from '../../src/domain/participant.js';
import { connected, fact, labelled, left, participantEnd, policy, subjectOf } from './builders.js';

const s = (seconds: number) => 1_000_000 + seconds * 1_000;

function recordOf({ record }: Advance): ParticipantRecord {
  if (!record) throw new Error('no record');
  return record;
}

describe('labels', () => {
  it.each([
    [{}, undefined],
    [{ call: '42', 'user-id_2': 'ü 😀' }, undefined],
    [{ ['a'.repeat(32)]: 'x'.repeat(256) }, undefined],
    [{ ['a'.repeat(33)]: 'x' }, 'a'.repeat(33)],
    [{ Call: '42' }, 'Call'],
    [{ '1': '42' }, '1'],
    [{ 'a=b': '42' }, 'a=b'],
    [{ 'a.b': '42' }, 'a.b'],
    [{ '': '42' }, ''],
    [{ call: '' }, 'call'],
    [{ call: 'x'.repeat(257) }, 'call'],
    [{ call: 'a\nb' }, 'call'],
    [{ call: 42 }, 'call'],
    [{ call: null }, 'call'],
  ])('of %j are valid except for %j', (labels, name) => {
    expect(labelsFault(labels)?.name).toBe(name);
  });

  it.each([[null], [[]], ['call'], [7], [undefined]])('are not %j', (value) => {
    expect(labelsFault(value)).toEqual({ message: 'must be an object' });
  });

  it('are at most eight', () => {
    const labels = (count: number) =>
      Object.fromEntries(
        'abcdefghi'
          .split('')
          .slice(0, count)
          .map((name) => [name, '1']),
      );
    expect(labelsFault(labels(8))).toBeUndefined();
    expect(labelsFault(labels(9))).toEqual({ message: 'must not have more than 8 labels' });
  });

  it('are merged by name: those of an operator, of the minted URL, of the provider', () => {
    const events = [
      connected({ at: s(0), labels: { room: 'r', call: 'p', user: 'p' }, mintedLabels: { call: 'm', user: 'm' } }),
      labelled({ user: 'o' }, { at: s(1) }),
    ];
    expect(labelsOf(recordOf(advance(undefined, events, s(1), policy)).labels)).toEqual({
      call: 'm',
      room: 'r',
      user: 'o',
    });
  });

  it('of the provider are replaced as a whole by the newest event that has some', () => {
    const first = connected({ at: s(10), labels: { room: 'a' } });
    const earlier = connected({ device: 'd2', at: s(5), labels: { room: 'b', session: '7' } });
    const record = recordOf(
      advance(undefined, [first, earlier, connected({ device: 'd3', at: s(20) })], s(20), policy),
    );
    expect(labelsOf(record.labels)).toEqual({ room: 'a' });
  });

  it('move a participant between groups in one change, which says what they were', () => {
    const before = recordOf(
      advance(undefined, [connected({ at: s(0) }), labelled({ call: '1' }, { at: s(1) })], s(1), policy),
    );
    const event = operatorLabels(before.subject, before, { call: '2' }, s(2));
    const { changes, record } = advance(before, event ? [event] : [], s(2), policy);
    expect(changes).toMatchObject([
      {
        type: 'participant.updated',
        labels: { call: '2' },
        previousLabels: { call: '1' },
        occurredAtMs: null,
        receivedAtMs: s(2),
      },
    ]);
    expect(record?.lastEventAtMs).toBe(s(0));
    expect(changes[0]?.state).toBe('connected');
  });

  it('keep who is gone gone, and are forgotten with the participant', () => {
    const gone = recordOf(advance(undefined, [connected({ at: s(0) }), left({ at: s(1) })], s(1), policy));
    const event = operatorLabels(gone.subject, gone, { call: '2' }, s(2));
    const { record } = advance(gone, event ? [event] : [], s(2), policy);
    expect(record?.announced).toMatchObject({ state: 'gone', cause: 'left', sinceMs: s(1) });
    expect(record?.deadlineMs).toBe(gone.deadlineMs);
    expect(advance(record, [], gone.deadlineMs, policy)).toMatchObject({ record: undefined, changes: [] });
  });
});

describe('an expected participant', () => {
  const set = labelled({ call: '42' }, { at: s(0) });
  const announced = () => advance(undefined, [set], s(0), policy);
  const expected = () => recordOf(announced());
  const NEXT = s(0) + policy.retentionMs;

  it('is announced as such, with when', () => {
    expect(announced().changes).toMatchObject([
      { type: 'participant.expected', previousState: null, labels: { call: '42' }, sinceMs: s(0), occurredAtMs: null },
    ]);
    expect(expected().announced).toMatchObject({ state: 'expected', sinceMs: s(0), devices: [] });
    expect(expected().lastEventAtMs).toBe(s(0));
  });

  it('stays expected since the first of its labels', () => {
    const event = operatorLabels(expected().subject, expected(), { call: '43' }, s(9));
    const { record, changes } = advance(expected(), event ? [event] : [], s(9), policy);
    expect(record?.announced).toMatchObject({ state: 'expected', sinceMs: s(0) });
    expect(changes).toMatchObject([{ type: 'participant.updated', previousLabels: { call: '42' } }]);
    expect(record?.deadlineMs).toBe(s(9) + policy.retentionMs);
  });

  it('becomes connected by its first connect, whenever that occurred', () => {
    const { record, changes } = advance(expected(), [connected({ at: s(-60), receivedAt: s(5) })], s(5), policy);
    expect(changes.at(-1)).toMatchObject({
      type: 'participant.connected',
      previousState: 'expected',
      labels: { call: '42' },
    });
    expect(record).toMatchObject({ announced: { state: 'connected', sinceMs: s(-60) }, lastEventAtMs: s(-60) });
  });

  it('is gone by an end of all devices, but not by a fact of availability', () => {
    expect(
      advance(expected(), [participantEnd('participant-left', { at: s(5) })], s(5), policy).record?.announced,
    ).toMatchObject({
      state: 'gone',
      cause: 'left',
    });
    const { record, changes } = advance(expected(), [fact('available', { at: s(5) })], s(5), policy);
    expect(record?.announced.state).toBe('expected');
    expect(changes).toEqual([]);
    expect(recordOf(advance(undefined, [fact('available', { at: s(-5) })], s(0), policy)).announced.state).toBe('gone');
  });

  it('is gone when an empty set takes the announcement back, and expected again with another one', () => {
    const event = operatorLabels(expected().subject, expected(), {}, s(3));
    const { record, changes } = advance(expected(), event ? [event] : [], s(3), policy);
    expect(changes).toMatchObject([
      { type: 'participant.gone', cause: 'ended', sinceMs: s(3), previousState: 'expected' },
    ]);
    const again = operatorLabels(expected().subject, record, { call: '1' }, s(8));
    expect(advance(record, again ? [again] : [], s(8), policy).record?.announced).toMatchObject({
      state: 'expected',
      sinceMs: s(8),
    });
  });

  it('is gone when an operator ends it, and when it is purged', () => {
    const ends = operatorEnds(expected(), undefined, s(3), policy);
    expect(advance(expected(), ends, s(3), policy).record?.announced).toMatchObject({ state: 'gone', cause: 'ended' });
    const purged = purge(expected(), s(3), policy);
    expect(purged).toMatchObject({ record: undefined, changes: [{ type: 'participant.gone', cause: 'ended' }] });
  });

  it('is announced as gone when it is forgotten', () => {
    const known = expected();
    expect(known.deadlineMs).toBe(NEXT);
    expect(advance(known, [], NEXT - 1, policy).record).toBe(known);
    const { record, changes } = advance(known, [], NEXT, policy);
    expect(record).toBeUndefined();
    expect(changes).toMatchObject([{ type: 'participant.gone', cause: 'expired', sinceMs: NEXT }]);
  });

  it('cannot be given work', () => {
    expect(operatorFact(expected(), { availability: 'available' }, s(1))).toBeUndefined();
  });

  it('is not known without labels', () => {
    expect(operatorLabels(subjectOf(), undefined, {}, s(0))).toBeUndefined();
  });
});
