// What observations change for a participant. Times are in seconds from the start.
import { describe, expect, it } from '@jest/globals';
import type { LifecycleEvent } from '../../src/domain/lifecycle-event.js';
import { advance } from '../../src/domain/participant.js';
import { connected, disconnected, left, observed, policy } from './builders.js';

const s = (seconds: number) => 1_790_000_000_000 + seconds * 1_000;
const M = policy.maxConnectionMs / 1_000;

function viewOf(events: readonly LifecycleEvent[], now: number, rules = policy) {
  const { record } = advance(undefined, events, s(now), rules);
  if (!record) throw new Error('there is no record');
  const { devices, ...view } = record.announced;
  return { ...view, device: devices[0] };
}

/** As of 5 s before, received at once. */
const seen = (asked: number, device = 'd1') => observed('seen', { device, askedAt: s(asked), latencyMs: 0 });
const unseen = (asked: number) => observed('unseen', { askedAt: s(asked), latencyMs: 0 });
const c = (at: number) => connected({ at: s(at) });
const d = (at: number, received = at) => disconnected({ at: s(at), receivedAt: s(received) });
const l = (at: number, received = at) => left({ at: s(at), receivedAt: s(received) });

describe('a participant who is seen', () => {
  it('is connected since then if nothing else is known, also after a loss', () => {
    expect(viewOf([seen(20)], 21)).toMatchObject({ state: 'connected', sinceMs: s(15), isDoubtful: false });
    expect(viewOf([seen(20), d(27)], 28)).toMatchObject({ state: 'reconnecting', sinceMs: s(15) });
    expect(viewOf([seen(20), d(27)], 60)).toMatchObject({ state: 'gone', sinceMs: s(27), cause: 'lost' });
    const back = viewOf([seen(20), d(27), c(30)], 31);
    expect(back).toMatchObject({
      state: 'connected',
      sinceMs: s(15),
      device: { interruptions: 1, connectedAtMs: s(15) },
    });
  });

  it('goes on with the connection that was lost within grace', () => {
    const view = viewOf([c(1), d(10), seen(24)], 25);
    expect(view).toMatchObject({ state: 'connected', sinceMs: s(1), isDoubtful: true });
    expect(view.device).toMatchObject({ connectedAtMs: s(1), interruptions: 1 });
    expect(viewOf([d(10), seen(24)], 25).device).toMatchObject({
      connectedAtMs: null,
      sinceMs: s(19),
      interruptions: 1,
    });
  });

  it('has a new connection after grace, which continues the presence if it was not interrupted for longer', () => {
    const view = viewOf([c(1), d(10), seen(25)], 26);
    expect(view.device).toMatchObject({ state: 'connected', sinceMs: s(20), connectedAtMs: null, interruptions: 0 });
    expect(view).toMatchObject({ sinceMs: s(1), isDoubtful: true });
    expect(viewOf([c(1), d(10), seen(40)], 41)).toMatchObject({ sinceMs: s(35) });
  });

  it('is back after a leave only if asked at least a grace period after it was received', () => {
    expect(viewOf([c(1), l(10), seen(24.9)], 30).state).toBe('gone');
    expect(viewOf([c(1), l(10), seen(25)], 30)).toMatchObject({ state: 'connected', sinceMs: s(20), isDoubtful: true });
    expect(viewOf([c(1), l(10, 12), seen(25)], 30).state).toBe('gone');
  });

  it('counts the time until the connection expires from the answer', () => {
    const events = [c(0), seen(105)];
    expect(viewOf(events, 105 + M).state).toBe('connected');
    expect(viewOf(events, 105 + M + 1)).toMatchObject({ state: 'gone', cause: 'expired', sinceMs: s(100 + M) });
    expect(viewOf([c(0), seen(M + 30)], M + 31).device).toMatchObject({ state: 'connected', sinceMs: s(M + 25) });
    expect(viewOf([c(0), unseen(M + 30)], M + 31)).toMatchObject({ state: 'gone', cause: 'expired' });
  });
});

describe('a participant who is asked for every minute', () => {
  it('has one connection, however long it lasts', () => {
    let record = advance(undefined, [c(0)], s(0), policy).record;
    const changes = [];
    for (let at = 60; at <= 5 * M; at += 60) {
      const advanced = advance(record, [seen(at)], s(at), policy);
      record = advanced.record;
      changes.push(...advanced.changes);
    }
    expect(changes).toEqual([]);
    expect(record?.announced).toMatchObject({ state: 'connected', sinceMs: s(0), isDoubtful: false });
    expect([...(record?.devices.values() ?? [])][0]?.events.length).toBeLessThan(14);
  });
});

describe('a participant who is not seen', () => {
  it('is gone after grace, unless a connect is received', () => {
    expect(viewOf([c(1), unseen(20)], 34.9)).toMatchObject({ state: 'reconnecting', untilMs: s(35) });
    expect(viewOf([c(1), unseen(20)], 35)).toMatchObject({ state: 'gone', cause: 'reconciled', sinceMs: s(15) });
    expect(viewOf([c(1), unseen(20), c(22)], 60)).toMatchObject({ state: 'connected', sinceMs: s(1) });
  });

  it('has left when a leave is received, at its own time only within grace', () => {
    expect(viewOf([c(1), unseen(20), l(19, 34.9)], 60)).toMatchObject({ cause: 'left', sinceMs: s(19) });
    expect(viewOf([c(1), unseen(20), l(19, 35)], 60)).toMatchObject({ cause: 'left', sinceMs: s(15) });
    expect(viewOf([c(1), d(10), l(12)], 60)).toMatchObject({ cause: 'left', sinceMs: s(10) });
  });

  it('is lost at the time of the disconnect that is received within grace', () => {
    expect(viewOf([c(1), unseen(20), d(18, 30)], 60)).toMatchObject({ cause: 'lost', sinceMs: s(18) });
    expect(viewOf([c(1), unseen(20), d(18, 35)], 60)).toMatchObject({ cause: 'reconciled', sinceMs: s(15) });
  });

  it('says nothing about a device that is not known', () => {
    const { record, verdicts } = advance(undefined, [unseen(20)], s(20), policy);
    expect([record, verdicts]).toEqual([undefined, ['stale']]);
  });
});

describe('a disconnect of an older socket', () => {
  const reach = (policy.overlapMs + policy.clockSkewMs) / 1_000;

  it('is one up to the notice time and the skew after the newest connect', () => {
    expect(viewOf([c(1), c(10), d(10 + reach)], 100)).toMatchObject({ state: 'connected', isDoubtful: true });
    expect(viewOf([c(1), c(10), d(10.001 + reach)], 76)).toMatchObject({ state: 'reconnecting' });
  });

  it('leaves the participant certain if another device is', () => {
    const other = connected({ device: 'd2', at: s(5) });
    expect(viewOf([c(1), c(10), d(12), other], 20)).toMatchObject({ state: 'connected', isDoubtful: false });
  });
});

describe('a leave from a host whose clock is behind', () => {
  const skew = policy.clockSkewMs / 1_000;

  it('ends the next connection if it is dated earlier by no more than the allowed skew', () => {
    expect(viewOf([c(20), l(20 - skew, 21)], 60)).toMatchObject({ state: 'gone', cause: 'left', sinceMs: s(20) });
    expect(viewOf([c(20), l(19.999 - skew, 21)], 60).state).toBe('connected');
    expect(viewOf([c(20), l(18, 20)], 60).state).toBe('connected');
  });

  it('ends the connection after one that was left, but not after one that was lost', () => {
    expect(viewOf([c(1), l(10), c(20), l(18, 21)], 60)).toMatchObject({ state: 'gone', sinceMs: s(20) });
    expect(viewOf([c(1), d(10), c(20), l(18, 21)], 22)).toMatchObject({ state: 'connected', sinceMs: s(20) });
  });
});

describe('a device that another one supersedes', () => {
  const one = { ...policy, devicesAtOnce: 'one' as const };
  const other = (at: number, received = at) => connected({ device: 'd2', at: s(at), receivedAt: s(received) });
  const deviceOf = (events: LifecycleEvent[], now: number) => {
    const { record } = advance(undefined, events, s(now), one);
    return record?.announced.devices.find(({ deviceId }) => deviceId === 'd1');
  };

  it('has expired if it was over age when the other one connected', () => {
    expect(deviceOf([c(0), other(M + 10)], M + 11)).toMatchObject({ cause: 'expired', sinceMs: s(M) });
    expect(deviceOf([c(0), other(M)], M + 11)).toMatchObject({ cause: 'superseded', sinceMs: s(M) });
  });

  it('is gone at once if it was waiting, and stays lost if that was over', () => {
    expect(deviceOf([c(0), d(40), other(50)], 51)).toMatchObject({ state: 'gone', cause: 'lost', sinceMs: s(40) });
    expect(deviceOf([c(0), d(40), other(55)], 60)).toMatchObject({ state: 'gone', cause: 'lost', sinceMs: s(40) });
  });

  it('is decided by the connect that was received first', () => {
    expect(deviceOf([c(0), other(50), connected({ device: 'd3', at: s(40), receivedAt: s(60) })], 61)).toMatchObject({
      cause: 'superseded',
      sinceMs: s(50),
    });
  });

  it('is not superseded by a connect at the same time, nor by one that it has answered with its own', () => {
    expect(deviceOf([c(10), other(10)], 11)?.state).toBe('connected');
    expect(deviceOf([c(0), other(50), c(60)], 61)?.state).toBe('connected');
    expect(deviceOf([c(0), other(50), seen(66)], 67)?.state).toBe('connected');
  });

  it('stays superseded when the connect of the other one has been folded', () => {
    let { record } = advance(undefined, [c(0), other(50)], s(50), one);
    for (let n = 1; n <= 20; n += 1) {
      const events = [disconnected({ device: 'd2', at: s(50 + n * 2) }), other(51 + n * 2)];
      record = advance(record, events, s(51 + n * 2), one).record;
    }
    const device = record?.announced.devices.find(({ deviceId }) => deviceId === 'd1');
    expect(device).toMatchObject({ cause: 'superseded', sinceMs: s(50) });
  });
});
