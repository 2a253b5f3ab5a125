import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { LifecycleEvent } from '../../src/domain/lifecycle-event.js';
import { advance } from '../../src/domain/participant.js';
import { askAtMs, believedAbsences } from '../../src/domain/questions.js';
import { connected, disconnected, left, observed, policy } from './builders.js';

const s = (seconds: number) => 1_790_000_000_000 + seconds * 1_000;
const asking = { ...policy, listLagMs: 5_000 };

function recordAfter(events: LifecycleEvent[], now: number, rules = asking) {
  const { record } = advance(undefined, events, now, rules);
  if (!record) throw new Error('there is no record');
  return record;
}

const askAfter = (events: LifecycleEvent[], now: number, rules = asking) => {
  const atMs = askAtMs(recordAfter(events, now, rules), rules);
  return atMs === undefined ? undefined : (atMs - s(0)) / 1_000;
};

describe('a question to the provider', () => {
  const overlap = [connected({ at: s(1) }), connected({ at: s(10) }), disconnected({ at: s(12) })];

  it('is asked when a disconnect was attributed to an older socket, once an answer is of after that', () => {
    expect(askAfter(overlap, s(12))).toBe(12 + 5 + 0.5);
    expect(askAfter([...overlap, observed('seen', { askedAt: s(16) })], s(17))).toBe(17.5);
    expect(askAfter([...overlap, observed('seen', { askedAt: s(17.5) })], s(18))).toBeUndefined();
  });

  it('is asked shortly before a loss becomes final', () => {
    const loss = [connected({ at: s(1) }), disconnected({ at: s(10) })];
    expect(askAfter(loss, s(10))).toBe(10 + 15 - 3);
    expect(askAfter([...loss, observed('unseen', { askedAt: s(22) })], s(23))).toBeUndefined();
    expect(askAfter([...loss, connected({ at: s(20) })], s(20))).toBeUndefined();
  });

  it('is asked when one device has ended and another is open', () => {
    const both = [connected({ at: s(1) }), connected({ device: 'd2', at: s(2) }), left({ device: 'd2', at: s(30) })];
    expect(askAfter(both, s(30))).toBe(35.5);
    const answers = [observed('seen', { askedAt: s(36) }), observed('unseen', { device: 'd2', askedAt: s(36) })];
    expect(askAfter([...both, ...answers], s(37))).toBeUndefined();
  });

  it('is asked once more after an answer undid an end', () => {
    const undone = [connected({ at: s(1) }), left({ at: s(10) }), observed('seen', { askedAt: s(40) })];
    expect(recordAfter(undone, s(41)).announced).toMatchObject({ state: 'connected', isDoubtful: true });
    expect(askAfter(undone, s(41))).toBe(40.5 + 15);
    expect(askAfter([...undone, observed('seen', { askedAt: s(56) })], s(57))).toBeUndefined();
  });

  it('is not asked about a loss if the grace period is too short for an answer from after the loss', () => {
    const loss = [connected({ at: s(1) }), disconnected({ at: s(10) })];
    expect(askAfter(loss, s(10), { ...asking, graceMs: 8_001 })).toBe(15.001);
    expect(askAfter(loss, s(10), { ...asking, graceMs: 8_000 })).toBeUndefined();
    expect(askAfter(loss, s(10), { ...asking, graceMs: 0 })).toBeUndefined();
  });

  it('is never asked of a provider that has no API', () => {
    expect(askAfter(overlap, s(12), { ...asking, listLagMs: undefined as unknown as number })).toBeUndefined();
  });
});

describe('a superseded device of a provider that can be asked', () => {
  it('is reconnecting for the grace period when the newer device has ended, and open again if it is seen', () => {
    const one = { ...asking, devicesAtOnce: 'one' as const };
    const events = [connected({ at: s(1) }), connected({ device: 'd2', at: s(50) }), left({ device: 'd2', at: s(60) })];
    expect(recordAfter(events, s(61), one).announced).toMatchObject({ state: 'reconnecting', untilMs: s(75) });
    expect(recordAfter(events, s(75), one).announced.state).toBe('gone');
    const seen = [...events, observed('seen', { askedAt: s(66) })];
    expect(recordAfter(seen, s(67), one).announced).toMatchObject({ state: 'connected', sinceMs: s(1) });
    expect(recordAfter(events, s(61), { ...one, listLagMs: undefined as unknown as number }).announced.state).toBe(
      'gone',
    );
  });
});

describe('a superseded device of a provider that can be asked, among three', () => {
  const one = { ...asking, devicesAtOnce: 'one' as const };
  const on = (device: string, at: number) => connected({ device, at: s(at) });
  const off = (device: string, at: number) => left({ device, at: s(at) });
  const stateOf = (events: LifecycleEvent[]) =>
    recordAfter(events, s(121), one).announced.devices.find(({ deviceId }) => deviceId === 'd1')?.state;

  it('depends on whether the one that connected last has ended', () => {
    const inTurn = [on('d1', 1), on('d2', 50), on('d3', 100)];
    expect(stateOf([...inTurn, off('d3', 120)])).toBe('reconnecting');
    expect(stateOf([...inTurn, off('d2', 120)])).toBe('gone');
    const reversed = [on('d1', 1), on('d2', 100), on('d3', 50)];
    expect(stateOf([...reversed, off('d2', 120)])).toBe('reconnecting');
    expect(stateOf([...reversed, off('d3', 120)])).toBe('gone');
  });

  it('stays expired if it was over age', () => {
    const brief = { ...one, maxConnectionMs: 40_000 };
    const { announced } = recordAfter([on('d1', 1), on('d2', 100), off('d2', 120)], s(121), brief);
    expect(announced.devices).toMatchObject([{ state: 'gone', cause: 'expired' }, { cause: 'left' }]);
  });
});

describe('a list that lacks many participants', () => {
  const ids = (count: number) => Array.from({ length: count }, (_, n) => `p${n}`);

  it('is believed up to 50 absences that are not more than a fifth of those present, and always up to 5', () => {
    expect(believedAbsences(ids(5), 5).believed).toHaveLength(5);
    expect(believedAbsences(ids(6), 6).believed).toEqual([]);
    expect(believedAbsences(ids(6), 29).believed).toEqual([]);
    expect(believedAbsences(ids(6), 30).believed).toHaveLength(6);
    expect(believedAbsences(ids(50), 1_000).believed).toHaveLength(50);
    expect(believedAbsences(ids(51), 1_000).believed).toEqual([]);
  });

  it('is believed if the next list agrees', () => {
    const { suspected } = believedAbsences(ids(30), 40);
    expect(believedAbsences(ids(29), 40, suspected).believed).toEqual(ids(29));
    expect(believedAbsences(ids(31), 40, suspected).believed).toEqual(ids(30));
  });

  it('never takes away more than both of two lists lack', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(60)), fc.uniqueArray(fc.nat(60)), fc.nat(60), (first, second, present) => {
        const { suspected } = believedAbsences(first, present);
        const { believed } = believedAbsences(second, present, suspected);
        for (const id of believed) expect(second).toContain(id);
        if (second.length > 50 || (second.length > 5 && second.length > 0.2 * present)) {
          for (const id of believed) expect(first).toContain(id);
        }
      }),
    );
  });
});
