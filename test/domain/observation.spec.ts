import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { DeviceId, LifecycleEvent } from '../../src/domain/lifecycle-event.js';
import { isNewsIfListed, isNewsIfUnlisted, type Observation, observationsOf } from '../../src/domain/observation.js';
import { advance } from '../../src/domain/participant.js';
import { connected, disconnected, left, observed, policy, subjectOf } from './builders.js';

const s = (seconds: number) => 1_790_000_000_000 + seconds * 1_000;
const asking = { ...policy, listLagMs: 5_000 };
const HOUR_S = 3_600;

function recordAfter(events: LifecycleEvent[], now: number) {
  return advance(undefined, events, now, asking).record;
}

const answer = (askedAt: number, devices: string[], parts: Partial<Observation> = {}): Observation => ({
  subject: subjectOf(),
  devices: devices.map((deviceId) => ({ deviceId: deviceId as DeviceId })),
  askedAtMs: askedAt,
  receivedAtMs: askedAt + 500,
  ...parts,
});
const newsOf = (observation: Observation, events: LifecycleEvent[] = []) =>
  observationsOf(observation, recordAfter(events, observation.receivedAtMs), asking);
const kindsOf = (observation: Observation, events: LifecycleEvent[] = []) =>
  newsOf(observation, events).map(({ kind, deviceId }) => `${kind} ${deviceId}`);

describe('an answer of the provider', () => {
  const open = [connected({ at: s(0) })];

  it('that agrees with what is known is no news', () => {
    expect(newsOf(answer(s(60), ['d1']), open)).toEqual([]);
    expect(newsOf(answer(s(60), []), [...open, left({ at: s(30) })])).toEqual([]);
    expect(newsOf(answer(s(60), []))).toEqual([]);
  });

  it('that lacks a connected device says that it is not there, as of a while before the question', () => {
    expect(newsOf(answer(s(60), []), open)).toEqual([observed('unseen', { askedAt: s(60) })]);
    expect(kindsOf(answer(s(60), ['d2']), open)).toEqual(['seen d2', 'unseen d1']);
  });

  it('that lists a device of which no connect was received opens it, with its start if that is known', () => {
    expect(newsOf(answer(s(60), ['d1']))).toEqual([observed('seen', { askedAt: s(60) })]);
    const devices = [{ deviceId: 'd1' as DeviceId, connectedAtMs: s(20) }];
    const events = newsOf(answer(s(60), [], { devices, tag: 'red' }));
    expect(recordAfter(events, s(61))).toMatchObject({
      tag: { value: 'red' },
      announced: { state: 'connected', sinceMs: s(20), devices: [{ connectedAtMs: s(20) }] },
    });
  });

  it('gives a device the start that is told, also if that is later than the time of which the answer is', () => {
    const devices = [{ deviceId: 'd1' as DeviceId, connectedAtMs: s(58) }];
    const events = newsOf(answer(s(60), [], { devices }));
    expect(recordAfter(events, s(61))?.announced).toMatchObject({ state: 'connected', sinceMs: s(58) });
  });

  it('does not take a time in the future for its start, unless the clocks may differ by that much', () => {
    const startOf = (at: number) => {
      const devices = [{ deviceId: 'd1' as DeviceId, connectedAtMs: s(at) }];
      return newsOf(answer(s(60), [], { devices })).map(({ kind }) => kind);
    };
    expect(startOf(65)).toEqual(['connected']);
    expect(startOf(66)).toEqual(['seen']);
  });

  it('does not reopen a device whose end was received, if the connect that it tells of is older', () => {
    const devices = [{ deviceId: 'd1' as DeviceId, connectedAtMs: s(20) }];
    const events = newsOf(answer(s(60), [], { devices }));
    const late = [left({ at: s(58), receivedAt: s(62) })];
    expect(recordAfter([...events, ...late], s(63))?.announced.state).toBe('gone');
  });

  it('keeps the tag that is known', () => {
    expect(
      newsOf(answer(s(60), ['d1'], { tag: 'red' }), [connected({ at: s(0), tag: 'blue' }), left({ at: s(9) })]),
    ).toEqual([observed('seen', { askedAt: s(60) })]);
  });

  it('is news if the newest sign of life is older than half of the longest connection', () => {
    expect(kindsOf(answer(s(4.5 * HOUR_S), ['d1']), open)).toEqual([]);
    expect(kindsOf(answer(s(4.5 * HOUR_S + 1), ['d1']), open)).toEqual(['seen d1']);
  });

  it('says nothing of a participant of whom an event was received after the question', () => {
    const late = [...open, disconnected({ at: s(20), receivedAt: s(60) })];
    expect(newsOf(answer(s(60), []), late)).toEqual([]);
    expect(newsOf(answer(s(60), ['d2']), late)).toEqual([]);
    expect(newsOf(answer(s(61), ['d1']), late)).toHaveLength(1);
  });

  it('settles each question that is due, so that none is asked twice', () => {
    const doubtful = [connected({ at: s(0) }), connected({ at: s(10) }), disconnected({ at: s(12) })];
    expect(kindsOf(answer(s(20), ['d1']), doubtful)).toEqual(['seen d1']);
    const loss = [...open, disconnected({ at: s(50) })];
    expect(kindsOf(answer(s(61), []), loss)).toEqual([]);
    expect(kindsOf(answer(s(62), []), loss)).toEqual(['unseen d1']);
  });

  it('is no news about a device of which a later event is known', () => {
    expect(newsOf(answer(s(60), []), [connected({ at: s(56) })])).toEqual([]);
    expect(newsOf(answer(s(60), ['d1']), [...open, left({ at: s(56) })])).toEqual([]);
  });

  it('leaves no device connected that it lacks, whatever was received before', () => {
    const kinds = fc.constantFrom(connected, disconnected, left);
    const event = fc.record({ build: kinds, device: fc.constantFrom('d1', 'd2'), at: fc.nat(50) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 8 }), fc.subarray(['d1', 'd2', 'd3']), (events, listed) => {
        const received = events.map(({ build, device, at }) => build({ device, at: s(at) }));
        const record = recordAfter([...received, ...newsOf(answer(s(60), listed), received)], s(61));
        const open = record?.announced.devices.filter(({ state }) => state === 'connected') ?? [];
        for (const { deviceId } of open) expect(listed).toContain(deviceId);
      }),
    );
  });
});

describe('a list without devices', () => {
  const open = [connected({ at: s(0) })];
  const isNews = (events: LifecycleEvent[], askedAt: number) =>
    isNewsIfListed(recordAfter(events, askedAt), askedAt, asking);

  it('leaves something to ask if nobody is known to be connected, or it is time for a sign of life', () => {
    expect(isNewsIfListed(undefined, s(60), asking)).toBe(true);
    expect(isNews(open, s(60))).toBe(false);
    expect(isNews([...open, left({ at: s(30) })], s(60))).toBe(true);
    expect(isNews([...open, left({ at: s(30), receivedAt: s(60) })], s(60))).toBe(false);
    expect(isNews([...open, left({ at: s(56) })], s(60))).toBe(false);
    expect(isNews(open, s(5 * HOUR_S))).toBe(true);
  });

  it('on which a participant is not is news if they are known to be connected', () => {
    const isAbsenceNews = (events: LifecycleEvent[]) => {
      const record = recordAfter(events, s(60));
      return record && isNewsIfUnlisted(record, s(60), asking);
    };
    expect(isAbsenceNews(open)).toBe(true);
    expect(isAbsenceNews([connected({ at: s(0), receivedAt: s(60) })])).toBe(false);
    expect(isAbsenceNews([connected({ at: s(56) })])).toBe(false);
    expect(isAbsenceNews([...open, disconnected({ at: s(59) })])).toBe(false);
  });
});
