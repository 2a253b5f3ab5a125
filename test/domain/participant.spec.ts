// The presence of a participant over all its devices. Times are in seconds from the start, for brevity.
import { describe, expect, it } from '@jest/globals';
import { MAX_DEVICES, MAX_DEVICES_WITHOUT_CONNECT } from '../../src/domain/eviction.js';
import type { LifecycleEvent, RecordedEvent } from '../../src/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import { MAX_PAST_STAYS } from '../../src/domain/stay.js';
import { connected, disconnected, fact, labelled, left, participantEnd, policy, subjectOf } from './builders.js';

const s = (seconds: number) => 1_790_000_000_000 + seconds * 1_000;

function recordAfter(events: RecordedEvent[], nowMs: number, rules = policy): ParticipantRecord {
  const { record } = advance(undefined, events, nowMs, rules);
  if (!record) throw new Error('there is no record');
  return record;
}

const viewOf = (events: LifecycleEvent[], nowMs: number, rules = policy) => recordAfter(events, nowMs, rules).announced;

describe('a participant', () => {
  it('has the state of its most present device', () => {
    const events = [connected({ at: s(1) }), connected({ device: 'd2', at: s(2) }), disconnected({ at: s(3) })];
    expect(viewOf(events, s(4))).toMatchObject({ state: 'connected', sinceMs: s(1) });
    expect(viewOf([...events, left({ device: 'd2', at: s(4) })], s(5))).toMatchObject({ state: 'reconnecting' });
    expect(viewOf([...events, left({ device: 'd2', at: s(4) })], s(19))).toMatchObject({ state: 'gone' });
  });

  it('is gone since its last end, with the cause of that end', () => {
    const events = [
      connected({ at: s(1) }),
      disconnected({ at: s(2) }),
      connected({ device: 'd2', at: s(1) }),
      left({ device: 'd2', at: s(5) }),
    ];
    expect(viewOf(events, s(60))).toMatchObject({ state: 'gone', sinceMs: s(5), cause: 'left' });
    expect(viewOf([...events, disconnected({ device: 'd3', at: s(9) })], s(60))).toMatchObject({
      sinceMs: s(9),
      cause: 'lost',
    });
  });

  it('is present since the start of its uninterrupted presence, which overlapping devices continue', () => {
    const relay = [
      connected({ at: s(1) }),
      connected({ device: 'd2', at: s(10) }),
      left({ at: s(20) }),
      connected({ device: 'd3', at: s(30) }),
      left({ device: 'd2', at: s(40) }),
    ];
    expect(viewOf(relay, s(50)).sinceMs).toBe(s(1));
    expect(viewOf([...relay, left({ device: 'd2', at: s(25) })], s(50)).sinceMs).toBe(s(30));
  });

  it('is present without interruption when another device connects within the grace period of a loss', () => {
    const events = [connected({ at: s(1) }), disconnected({ at: s(5) }), connected({ device: 'd2', at: s(20) })];
    expect(viewOf(events, s(60))).toMatchObject({ state: 'connected', sinceMs: s(1) });
    expect(viewOf([...events.slice(0, 2), connected({ device: 'd2', at: s(21) })], s(60)).sinceMs).toBe(s(21));
  });

  it('keeps the start of its presence while it is reconnecting, and has `until`', () => {
    const view = viewOf([connected({ at: s(1) }), disconnected({ at: s(5), receivedAt: s(6) })], s(7));
    expect(view).toMatchObject({ state: 'reconnecting', sinceMs: s(1), untilMs: s(6) + policy.graceMs });
    expect(view.devices[0]).toMatchObject({ state: 'reconnecting', sinceMs: s(5), untilMs: s(6) + policy.graceMs });
  });

  it('stays reconnecting during the leave grace period, so that a page reload does not flap', () => {
    const rules = { ...policy, leaveGraceMs: 5_000 };
    const reload = [connected({ at: s(1) }), left({ at: s(10) })];
    expect(viewOf(reload, s(14), rules)).toMatchObject({ state: 'reconnecting', sinceMs: s(1), untilMs: s(15) });
    expect(viewOf(reload, s(15), rules)).toMatchObject({ state: 'gone', sinceMs: s(10), cause: 'left' });
    const back = [...reload, connected({ device: 'd2', at: s(14) })];
    expect(viewOf(back, s(60), rules)).toMatchObject({ state: 'connected', sinceMs: s(1) });
    expect(viewOf(back, s(60)).sinceMs).toBe(s(14));
  });

  it('has one socket per device, if the policy says so: a second connect is a repeat or a takeover', () => {
    const events = [connected({ at: s(1) }), connected({ at: s(30) }), disconnected({ at: s(40) })];
    const rules = { ...policy, socketsPerDevice: 'one' as const };
    expect(viewOf(events, s(41))).toMatchObject({ state: 'connected', isDoubtful: true });
    expect(viewOf(events, s(41), rules)).toMatchObject({ state: 'reconnecting', sinceMs: s(1) });
    expect(viewOf(events, s(60), rules)).toMatchObject({ state: 'gone', sinceMs: s(40), cause: 'lost' });
  });

  it('has the later `until` when the leave grace period outlasts the grace period of another device', () => {
    const rules = { ...policy, leaveGraceMs: 60_000 };
    const events = [
      connected({ at: s(1) }),
      disconnected({ at: s(90) }),
      connected({ device: 'd2', at: s(95) }),
      left({ device: 'd2', at: s(100) }),
    ];
    const until = { state: 'reconnecting', sinceMs: s(1), untilMs: s(160) };
    expect(viewOf(events, s(101), rules)).toMatchObject(until);
    expect(viewOf(events, s(105), rules)).toMatchObject(until);
    expect(viewOf(events, s(160), rules)).toMatchObject({ state: 'gone', sinceMs: s(100), cause: 'left' });
  });

  it('is gone immediately without a leave grace period, even for a node whose clock is behind that of the receiving node', () => {
    expect(viewOf([connected({ at: s(1) }), left({ at: s(10), receivedAt: s(10) })], s(9)).state).toBe('gone');
  });

  it('has the newest non-empty tag', () => {
    const events = [
      connected({ at: s(2), tag: 'new' }),
      connected({ device: 'd2', at: s(1), tag: 'old' }),
      left({ device: 'd2', at: s(3) }),
    ];
    expect(recordAfter(events, s(4)).tag?.value).toBe('new');
    expect(recordAfter(events.toReversed(), s(4)).tag?.value).toBe('new');
  });

  it('keeps its tag when an event from the future is sent again', () => {
    const ahead = connected({ at: s(600), receivedAt: s(0), tag: 'blue' });
    const record = recordAfter([ahead, connected({ device: 'd2', at: s(60), tag: 'red' })], s(60));
    expect(record.tag?.value).toBe('red');
    const again = advance(record, [{ ...ahead, receivedAtMs: s(400) }], s(400), policy);
    expect(again).toEqual({ record, changes: [], verdicts: ['duplicate'] });
  });

  it('can still leave when the clock of the provider is far ahead: its events are ordered as at most CLOCK_SKEW_MS after their receipt', () => {
    const events = [connected({ at: s(86_400), receivedAt: s(1) }), left({ at: s(86_401), receivedAt: s(2) })];
    expect(viewOf(events.slice(0, 1), s(2))).toMatchObject({ state: 'connected', sinceMs: s(1 + 5) });
    expect(viewOf(events, s(3))).toMatchObject({ state: 'gone', sinceMs: s(2 + 5), cause: 'left' });
  });

  it('does not come back when a loss is received after its connection has expired', () => {
    const { maxConnectionMs } = policy;
    const late = disconnected({ at: s(2) + maxConnectionMs });
    expect(viewOf([connected({ at: s(1) }), late], late.receivedAtMs)).toMatchObject({
      state: 'gone',
      cause: 'expired',
    });
    const leave = left({ at: s(2) + maxConnectionMs });
    expect(viewOf([connected({ at: s(1) }), leave], leave.receivedAtMs)).toMatchObject({
      state: 'gone',
      cause: 'left',
    });
  });

  it('evicts the least alive of too many devices, and does not apply their repeated events as new', () => {
    const alive = connected({ device: 'alive', at: s(0) });
    const reloads = Array.from({ length: MAX_DEVICES + 5 }, (_, n) => [
      connected({ device: `d${n}`, at: s(n * 10) }),
      left({ device: `d${n}`, at: s(n * 10 + 5) }),
    ]).flat();
    const record = recordAfter([alive, ...reloads], s(1_000));
    expect(record.devices.size).toBe(MAX_DEVICES);
    expect(record.announced).toMatchObject({ state: 'connected', sinceMs: s(0) });
    // The last one is as old as the newest evicted event.
    for (const event of [reloads[0], reloads[2 * 5 + 1]]) {
      expect(advance(record, event ? [event] : [], s(1_001), policy)).toEqual({
        record,
        changes: [],
        verdicts: ['stale'],
      });
    }
  });
});

describe('a node whose clock is behind', () => {
  it('does not bring back a participant who is gone by the clock of another node', () => {
    const rules = { ...policy, leaveGraceMs: 5_000 };
    const lost = recordAfter([connected({ at: s(1) }), disconnected({ at: s(2) })], s(17), rules);
    expect(lost.announced.state).toBe('gone');
    const late = advance(lost, [disconnected({ at: s(1.5), tag: 'red' })], s(16.9), rules);
    expect(late.changes.map(({ type }) => type)).toEqual(['participant.updated']);
    const reload = recordAfter([connected({ at: s(1) }), left({ at: s(2) })], s(7), rules);
    expect(reload.announced.state).toBe('gone');
    const again = advance(reload, [left({ at: s(3), tag: 'red' })], s(6.9), rules);
    expect(again.changes.map(({ type }) => type)).toEqual(['participant.updated']);
    const settled = advance(late.record, [connected({ at: s(20) })], s(19), rules).record;
    expect(settled).toMatchObject({ announced: { state: 'connected' }, settledAtMs: undefined });
  });
});

describe('a participant with the maximum number of open devices', () => {
  const open = Array.from({ length: MAX_DEVICES }, (_, n) => connected({ device: `d${n + 1}`, at: s(n + 1) }));
  const evicted = connected({ device: 'd0', at: s(0) });
  const full = () => recordAfter([evicted, ...open], s(100));
  const openIn = (record: ParticipantRecord | undefined) =>
    record?.announced.devices.filter(({ state }) => state === 'connected').map(({ deviceId }) => deviceId);
  const all = open.map(({ deviceId }) => deviceId);

  it('keeps them when the end of an evicted device is received', () => {
    expect(openIn(full())).toEqual(all);
    const { record, changes } = advance(full(), [disconnected({ device: 'd0', at: s(101) })], s(101), policy);
    expect(openIn(record)).toEqual(all);
    expect(changes.map(({ type, deviceId }) => [type, deviceId])).toEqual([['device.reconnecting', 'd0']]);
  });

  it('evicts the lost one when another device connects, and keeps the others', () => {
    const lost = disconnected({ device: 'd32', at: s(101) });
    const { record } = advance(full(), [lost, connected({ device: 'new', at: s(102) })], s(102), policy);
    expect(openIn(record)).toEqual([...all.filter((id) => id !== 'd32'), 'new']);
  });

  it('keeps them after many ends of unknown devices, and still accepts the first connect of a new device', () => {
    let record: ParticipantRecord | undefined = full();
    for (let n = 0; n < 40; n += 1) {
      const end = (n % 2 === 0 ? left : disconnected)({ device: `stray${n}`, at: s(200 + n) });
      record = advance(record, [end], s(200 + n), policy).record;
    }
    expect(openIn(record)).toEqual(all);
    expect(record?.devices.size).toBeLessThanOrEqual(MAX_DEVICES + MAX_DEVICES_WITHOUT_CONNECT);
    const { record: after, verdicts } = advance(record, [connected({ device: 'new', at: s(150) })], s(240), policy);
    expect(verdicts).toEqual(['applied']);
    expect(openIn(after)).toEqual([...all.slice(1), 'new']);
  });

  it('does not evict a reconnecting device for the end of another one', () => {
    const lost = disconnected({ device: 'x0', at: s(200) });
    const { record } = advance(full(), [lost], s(200), policy);
    const others = Array.from({ length: 20 }, (_, n) => disconnected({ device: `x${n + 1}`, at: s(201 + n / 10) }));
    const after = others.reduce<ParticipantRecord | undefined>(
      (held, event) => advance(held, [event], event.receivedAtMs, policy).record,
      record,
    );
    expect(after?.announced.devices.find(({ deviceId }) => deviceId === 'x0')).toMatchObject({
      state: 'reconnecting',
      untilMs: s(200) + policy.graceMs,
    });
  });

  it('reports only the end that it has no room for as stale, among the other events', () => {
    const ends = Array.from({ length: MAX_DEVICES_WITHOUT_CONNECT }, (_, n) =>
      left({ device: `stray${n}`, at: s(200 + n) }),
    );
    const { record } = advance(full(), ends, s(300), policy);
    const older = left({ device: 'older', at: s(199) });
    const lost = disconnected({ device: 'd32', at: s(300) });
    const end = participantEnd('participant-left', { at: s(301) });
    const { verdicts } = advance(record, [lost, older, lost, end], s(301), policy);
    expect(verdicts).toEqual(['applied', 'stale', 'duplicate', 'applied']);
  });

  it('announces nothing for an end that it has no room for', () => {
    const ends = Array.from({ length: MAX_DEVICES_WITHOUT_CONNECT }, (_, n) =>
      left({ device: `stray${n}`, at: s(200 + n), tag: 'red' }),
    );
    const { record } = advance(full(), ends, s(300), policy);
    const older = left({ device: 'older', at: s(199), tag: 'blue' });
    expect(advance(record, [older, older], s(300), policy)).toEqual({
      record,
      changes: [],
      verdicts: ['stale', 'stale'],
    });
  });
});

describe('the record of a participant', () => {
  const since = (events: RecordedEvent[]) => recordAfter(events, s(100)).settledAtMs;

  it('has the time at which it was advanced if something has ended, or will end without an event', () => {
    const open = [connected({ at: s(1) }), connected({ device: 'd2', at: s(2) })];
    expect(since(open)).toBeUndefined();
    expect(since([...open, fact('busy', { at: s(3) })])).toBeUndefined();
    expect(since([...open, fact('busy', { at: s(3), until: s(200) })])).toBe(s(100));
    expect(since([...open, fact('available', { at: s(3) }), fact('busy', { at: s(4), until: s(200) })])).toBe(s(100));
    expect(since([...open, disconnected({ at: s(99) })])).toBe(s(100));
    expect(since([participantEnd('participant-left', { at: s(1) })])).toBe(s(100));
  });

  it('has the time of the newest event, of whatever kind', () => {
    const lastEventAt = (first: RecordedEvent[], then: RecordedEvent[]) =>
      advance(recordAfter(first, s(100)), then, s(100), policy).record?.lastEventAtMs;
    const end = participantEnd('participant-left', { at: s(20) });
    const older = connected({ at: s(10) });
    expect(lastEventAt([end], [older])).toBe(s(20));
    expect(lastEventAt([fact('busy', { at: s(20) })], [older])).toBe(s(20));
    expect(lastEventAt([connected({ device: 'd2', at: s(20) })], [older])).toBe(s(20));
    // Labels of an operator are no event.
    expect(lastEventAt([labelled({ call: '42' }, { at: s(20) })], [])).toBe(s(20));
    expect(lastEventAt([labelled({ call: '42' }, { at: s(20) })], [older])).toBe(s(10));
  });

  it('has the stays of devices that were evicted, so that presence has not been interrupted', () => {
    const rules = { ...policy, leaveGraceMs: 60_000 };
    const moves = Array.from({ length: MAX_DEVICES + 5 }, (_, n) => [
      connected({ device: `d${n}`, at: s(n * 10) }),
      left({ device: `d${n}`, at: s(n * 10 + 5) }),
    ]).flat();
    const record = recordAfter(moves, s(400), rules);
    expect(record.devices.has('d0' as never)).toBe(false);
    const { record: after } = advance(record, [connected({ device: 'last', at: s(400) })], s(401), rules);
    expect(after?.announced).toMatchObject({ state: 'connected', sinceMs: s(0) });
  });

  it('has a limited number of stays of devices that were evicted', () => {
    const apart = Array.from({ length: MAX_DEVICES + MAX_PAST_STAYS + 5 }, (_, n) => [
      connected({ device: `d${n}`, at: s(n * 1_000) }),
      left({ device: `d${n}`, at: s(n * 1_000 + 5) }),
    ]).flat();
    const { pastStays } = recordAfter(apart, s(100_000));
    expect(pastStays).toHaveLength(MAX_PAST_STAYS);
    expect(pastStays.at(-1)?.startMs).toBe(s((MAX_PAST_STAYS + 4) * 1_000));
  });
});

describe('changes', () => {
  const typesAfter = (record: ParticipantRecord | undefined, events: LifecycleEvent[], nowMs: number) =>
    advance(record, events, nowMs, policy).changes.map(({ type }) => type);

  it('list devices before the participant', () => {
    const { changes } = advance(undefined, [connected({ at: s(1), receivedAt: s(2), tag: 'red' })], s(2), policy);
    const common = { subject: subjectOf(), tag: 'red', state: 'connected', previousState: null };
    const times = { sinceMs: s(1), occurredAtMs: s(1), receivedAtMs: s(2), version: s(2) };
    const connection = { number: 0, connectedAtMs: s(1), startMs: s(1), interruptions: 0 };
    expect(changes).toEqual([
      { type: 'device.connected', deviceId: 'd1', ...common, ...times, connection },
      { type: 'participant.connected', ...common, ...times },
    ]);
  });

  it('correct an earlier connection of which a late event changes the end', () => {
    const first = recordAfter([connected({ at: s(1) }), disconnected({ at: s(2) })], s(2));
    const [opened] = advance(first, [connected({ at: s(30) })], s(30), policy).changes;
    const lost = { connectedAtMs: s(1), startMs: s(1), endedAtMs: s(2), cause: 'lost', interruptions: 0 };
    const current = { number: 1, connectedAtMs: s(30), startMs: s(30), interruptions: 0 };
    expect(opened?.connection).toEqual({ ...current, correction: { from: 0, connections: [lost] } });
    const again = recordAfter([connected({ at: s(1) }), disconnected({ at: s(2) }), connected({ at: s(30) })], s(30));
    const { changes } = advance(again, [left({ at: s(3), receivedAt: s(31) })], s(31), policy);
    expect(changes.map(({ type, connection }) => ({ type, connection }))).toEqual([
      {
        type: 'device.updated',
        connection: { ...current, correction: { from: 0, connections: [{ ...lost, cause: 'left' }] } },
      },
    ]);
    expect(advance(again, [connected({ at: s(30), receivedAt: s(32) })], s(32), policy).changes).toEqual([]);
  });

  it.each([
    ['an earlier end', [left({ at: s(10), receivedAt: s(101) })], { endedAtMs: s(10) }],
    [
      'an interruption',
      [disconnected({ at: s(5), receivedAt: s(101) }), connected({ at: s(10), receivedAt: s(101) })],
      { interruptions: 1 },
    ],
  ])('correct an earlier connection: %s', (_, events, difference) => {
    const before = recordAfter([connected({ at: s(1) }), left({ at: s(20) }), connected({ at: s(100) })], s(100));
    const earlier = { connectedAtMs: s(1), startMs: s(1), endedAtMs: s(20), cause: 'left', interruptions: 0 };
    const { changes } = advance(before, events, s(101), policy);
    expect(changes.map(({ type, connection }) => [type, connection?.correction])).toEqual([
      ['device.updated', { from: 0, connections: [{ ...earlier, ...difference }] }],
    ]);
  });

  it('caused by a deadline have no provider time', () => {
    const record = recordAfter([connected({ at: s(1) }), disconnected({ at: s(2) })], s(2));
    const { changes } = advance(record, [], record.deadlineMs, policy);
    expect(
      changes.map(({ type, occurredAtMs, receivedAtMs, cause }) => ({ type, occurredAtMs, receivedAtMs, cause })),
    ).toEqual([
      { type: 'device.gone', occurredAtMs: null, receivedAtMs: s(17), cause: 'lost' },
      { type: 'participant.gone', occurredAtMs: null, receivedAtMs: s(17), cause: 'lost' },
    ]);
  });

  it('announce a departure once; a later leave only updates its cause', () => {
    const lost = recordAfter([connected({ at: s(1) }), disconnected({ at: s(2) })], s(60));
    expect(typesAfter(lost, [left({ at: s(2), receivedAt: s(61) })], s(61))).toEqual([
      'device.updated',
      'participant.updated',
    ]);
  });

  it('include an interruption that was over before it was announced', () => {
    const record = recordAfter([connected({ at: s(1) })], s(1));
    const { record: after, changes } = advance(
      record,
      [disconnected({ at: s(2) }), connected({ at: s(3) })],
      s(3),
      policy,
    );
    expect(changes.map(({ type }) => type)).toEqual(['device.updated']);
    expect(after?.version).toBe(record.version + 1);
  });

  it('include a mere reduction of the grace period, and a connect that becomes known late', () => {
    const lost = recordAfter([disconnected({ at: s(5), receivedAt: s(9) })], s(9));
    expect(typesAfter(lost, [disconnected({ at: s(5), receivedAt: s(6) })], s(10))).toEqual([
      'device.updated',
      'participant.updated',
    ]);
    const others = [connected({ device: 'd2', at: s(1) }), disconnected({ at: s(5) })];
    expect(typesAfter(recordAfter(others, s(6)), [connected({ at: s(2), receivedAt: s(7) })], s(7))).toEqual([
      'device.updated',
    ]);
  });

  it('include a new tag', () => {
    const record = recordAfter([connected({ at: s(1) })], s(1));
    expect(typesAfter(record, [connected({ at: s(2), tag: 'red' })], s(2))).toEqual(['participant.updated']);
  });
});

describe('an event that was folded into the base', () => {
  it('is a duplicate when it is received again, and stale when it claims an earlier receipt', () => {
    const events = Array.from({ length: 17 }, (_, n) => connected({ at: s(n + 1), receivedAt: s(100) }));
    const record = recordAfter(events, s(100));
    const verdictOf = (receivedAt: number) =>
      advance(record, [connected({ at: s(1), receivedAt })], s(100), policy).verdicts;
    expect(verdictOf(s(101))).toEqual(['duplicate']);
    expect(verdictOf(s(50))).toEqual(['stale']);
  });
});

describe('a participant who has one device at a time', () => {
  const one = { ...policy, devicesAtOnce: 'one' as const };
  const reload = [connected({ device: 'd1', at: s(1) }), connected({ device: 'd2', at: s(50) })];
  const statesOf = (events: LifecycleEvent[], now: number, rules = one) =>
    Object.fromEntries(
      recordAfter(events, now, rules).announced.devices.map((device) => [
        device.deviceId,
        [device.state, device.cause, device.sinceMs - s(0)],
      ]),
    );

  it('has the older device superseded when a newer one connects, so that a lost end leaves no ghost', () => {
    expect(statesOf(reload, s(51))).toEqual({
      d1: ['gone', 'superseded', 50_000],
      d2: ['connected', undefined, 50_000],
    });
    const left2 = [...reload, left({ device: 'd2', at: s(60) })];
    const { announced } = recordAfter(left2, s(61), one);
    expect(announced).toMatchObject({ state: 'gone', cause: 'left', sinceMs: s(60) });
    expect(recordAfter(left2, s(61), policy).announced.state).toBe('connected');
  });

  it('was present without a gap over both devices', () => {
    expect(recordAfter(reload, s(51), one).announced).toMatchObject({ state: 'connected', sinceMs: s(1) });
  });

  it('has an older device again when that connects again', () => {
    const back = [...reload, connected({ device: 'd1', at: s(70) })];
    expect(statesOf(back, s(71))).toMatchObject({
      d1: ['connected', undefined, 1_000],
      d2: ['gone', 'superseded', 70_000],
    });
  });

  it('has the received end of the older device, wherever it falls', () => {
    const late = [...reload, left({ device: 'd1', at: s(51) })];
    expect(statesOf(late, s(52))).toMatchObject({ d1: ['gone', 'left', 51_000] });
    const loss = [...reload, disconnected({ device: 'd1', at: s(49) })];
    expect(statesOf(loss, s(51))).toMatchObject({ d1: ['gone', 'lost', 49_000] });
  });

  it('keeps the older device superseded when the newer one is evicted', () => {
    const reloads = Array.from({ length: MAX_DEVICES + 2 }, (_, n) => [
      connected({ device: `r${n}`, at: s(100 + n * 2) }),
      left({ device: `r${n}`, at: s(101 + n * 2) }),
    ]).flat();
    let record = recordAfter([connected({ device: 'd1', at: s(1) })], s(1), one);
    for (const event of reloads) record = advance(record, [event], event.receivedAtMs, one).record ?? record;
    const { announced } = record;
    expect(announced.state).toBe('gone');
    const first = announced.devices.find(({ deviceId }) => deviceId === 'd1');
    if (first) expect(first).toMatchObject({ state: 'gone', cause: 'superseded', sinceMs: s(100) });
  });

  it('is not superseded by a device whose connect was received first: the clocks of the hosts differ', () => {
    const skewed = [connected({ device: 'd1', at: s(5), receivedAt: s(1) }), connected({ device: 'd2', at: s(3) })];
    expect(statesOf(skewed, s(4))).toMatchObject({
      d1: ['connected', undefined, 5_000],
      d2: ['connected', undefined, 3_000],
    });
  });
});
