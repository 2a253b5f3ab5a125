// The effects of an end by an operator, and what undoes it. Times are in seconds from the start, for brevity.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DeviceId, LifecycleEvent } from '../../src/domain/lifecycle-event.js';
import { operatorEnds, purge } from '../../src/domain/operator-end.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import { lengthOf } from '../length.js';
import { connected, disconnected, left, policy } from './builders.js';
import { deliveriesOf, histories, policies, START_MS } from './histories.js';

const s = (seconds: number) => START_MS + seconds * 1_000;

function recordAfter(events: readonly LifecycleEvent[], nowMs: number, rules = policy): ParticipantRecord {
  const { record } = advance(undefined, events, nowMs, rules);
  if (!record) throw new Error('there is no record');
  return record;
}

function endedAt(record: ParticipantRecord, nowMs: number, deviceId?: string, rules = policy): ParticipantRecord {
  const { record: after } = advance(
    record,
    operatorEnds(record, deviceId as DeviceId | undefined, nowMs, rules),
    nowMs,
    rules,
  );
  if (!after) throw new Error('there is no record');
  return after;
}

describe('an end by an operator', () => {
  const ghost = () => recordAfter([connected({ at: s(1) }), connected({ device: 'd2', at: s(2) })], s(3));

  it('makes a participant and all its devices gone immediately', () => {
    const { announced, lastEventAtMs } = endedAt(ghost(), s(100));
    const gone = { state: 'gone', sinceMs: s(100), cause: 'ended' };
    expect(announced).toMatchObject({ ...gone, devices: [gone, gone] });
    expect(lastEventAtMs).toBe(s(2));
  });

  it('ends only the given device, and none that is not present', () => {
    const one = endedAt(ghost(), s(100), 'd1');
    expect(one.announced).toMatchObject({ state: 'connected', devices: [{ deviceId: 'd2' }, { cause: 'ended' }] });
    expect(operatorEnds(one, 'd1' as DeviceId, s(101), policy)).toEqual([]);
    expect(operatorEnds(ghost(), 'unknown' as DeviceId, s(100), policy)).toEqual([]);
  });

  it('also ends a participant who is reconnecting, whether in the grace period or the leave grace period', () => {
    const rules = { ...policy, leaveGraceMs: 60_000 };
    const lost = recordAfter([connected({ at: s(1) }), disconnected({ at: s(2) })], s(3), rules);
    expect(endedAt(lost, s(4), undefined, rules).announced).toMatchObject({ state: 'gone', cause: 'ended' });
    const reload = recordAfter([connected({ at: s(1) }), left({ at: s(2) })], s(3), rules);
    expect(reload.announced.state).toBe('reconnecting');
    expect(endedAt(reload, s(4), undefined, rules).announced).toMatchObject({ state: 'gone', cause: 'left' });
  });

  it('is announced without a provider time', () => {
    const { changes } = advance(ghost(), operatorEnds(ghost(), undefined, s(100), policy), s(100), policy);
    expect(
      changes.map(({ type, cause, occurredAtMs, receivedAtMs }) => ({ type, cause, occurredAtMs, receivedAtMs })),
    ).toEqual([
      { type: 'device.gone', cause: 'ended', occurredAtMs: null, receivedAtMs: s(100) },
      { type: 'device.gone', cause: 'ended', occurredAtMs: null, receivedAtMs: s(100) },
      { type: 'participant.gone', cause: 'ended', occurredAtMs: null, receivedAtMs: s(100) },
    ]);
  });

  it.each([
    ['a connect', connected({ at: s(50), receivedAt: s(101) }), { state: 'connected', sinceMs: s(50) }],
    ['a loss', disconnected({ at: s(50), receivedAt: s(101) }), { state: 'reconnecting', sinceMs: s(1) }],
    ['a leave', left({ at: s(50), receivedAt: s(101) }), { state: 'gone', cause: 'left', sinceMs: s(50) }],
  ])(
    'is undone by %s later than the events before it, even if the clock of the provider is behind',
    (_what, event, view) => {
      const single = endedAt(recordAfter([connected({ at: s(1) })], s(2)), s(100));
      expect(advance(single, [event], s(101), policy).record?.announced).toMatchObject(view);
    },
  );

  it('is no earlier than the last settled time of a node whose clock is ahead', () => {
    const lost = recordAfter([connected({ at: s(1) }), disconnected({ at: s(2) })], s(10));
    const [end] = operatorEnds(lost, undefined, s(9), policy);
    expect(end?.receivedAtMs).toBe(s(10));
  });

  it('is not undone by the leave grace period of a later leave', () => {
    const rules = { ...policy, leaveGraceMs: 60_000 };
    const ended = endedAt(recordAfter([connected({ at: s(1) })], s(2), rules), s(100), undefined, rules);
    const { record } = advance(ended, [left({ at: s(50), receivedAt: s(101) })], s(101), rules);
    expect(record?.announced).toMatchObject({ state: 'gone', cause: 'left' });
  });

  it('is not undone by an older event that is received late or again', () => {
    const ended = endedAt(ghost(), s(100));
    const late = [connected({ at: s(1) }), disconnected({ device: 'd2', at: s(1), receivedAt: s(101) })];
    expect(advance(ended, late, s(101), policy).record?.announced).toMatchObject({ state: 'gone', cause: 'ended' });
  });

  it('is announced by a purge only if the participant was present, and the purge leaves no record', () => {
    const delivered = histories({ devices: 3, perDevice: 8 }).chain((events) =>
      fc.tuple(deliveriesOf(events), policies),
    );
    fc.assert(
      fc.property(delivered, ([deliveries, rules]) => {
        let record: ParticipantRecord | undefined;
        for (const { events, nowMs } of deliveries) {
          record = advance(record, events, nowMs, rules).record;
          if (!record) continue;
          const wasPresent = record.announced.state !== 'gone';
          const purged = purge(record, nowMs, rules);
          expect(purged.record).toBeUndefined();
          const announced = purged.changes.filter(({ type }) => type === 'participant.gone');
          expect(announced).toHaveLength(wasPresent ? 1 : 0);
          if (!wasPresent) expect(purged.changes).toEqual([]);
        }
      }),
      { numRuns: lengthOf(100, 1_000) },
    );
  });

  it('makes the participant gone whatever happened before, and is idempotent', () => {
    const delivered = histories({ devices: 3, perDevice: 12, aheadMs: 600_000 }).chain((events) =>
      fc.tuple(deliveriesOf(events), policies),
    );
    fc.assert(
      fc.property(delivered, ([deliveries, rules]) => {
        let record: ParticipantRecord | undefined;
        for (const { events, nowMs } of deliveries) {
          record = advance(record, events, nowMs, rules).record;
          if (!record) continue;
          const ended = endedAt(record, nowMs, undefined, rules);
          expect(ended.announced.state).toBe('gone');
          expect(operatorEnds(ended, undefined, nowMs, rules)).toEqual([]);
        }
      }),
      { numRuns: lengthOf(100, 1_000) },
    );
  });
});
