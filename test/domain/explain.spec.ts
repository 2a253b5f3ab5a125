// Each rule in an example: what the steps of a device are, and what they lead to. And that docs/rules.md has the same rules.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { MAX_KEPT_EVENTS } from '../../src/domain/device-history.js';
import { type Explanation, explain } from '../../src/domain/explain.js';
import type { RecordedEvent } from '../../src/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import type { PresencePolicy } from '../../src/domain/policy.js';
import type { Presence } from '../../src/domain/presence-view.js';
import { RULES, type Rule } from '../../src/domain/rules.js';
import { policy as defaults, eventOf, fact, labelled, observed, participantEnd } from './builders.js';

const policy = { ...defaults, graceMs: 15_000, overlapMs: 30_000, maxConnectionMs: 3_600_000 };
const HOUR = 3_600;

type Parts = Parameters<typeof eventOf>[1];
const timed = (at: number, { receivedAt = at, ...parts }: Parts = {}) => ({
  ...parts,
  at: at * 1_000,
  receivedAt: receivedAt * 1_000,
});
/** Times are in seconds. */
const c = (at: number, parts?: Parts) => eventOf('connected', timed(at, parts));
const d = (at: number, parts?: Parts) => eventOf('disconnected', timed(at, parts));
const l = (at: number, parts?: Parts) => eventOf('left', timed(at, parts));
const ended = (at: number, receivedAt: number) => eventOf('ended', timed(at, { receivedAt }));
/** Asked at this time, the answer is as of 5 s before and comes at once. */
const answer = (kind: 'seen' | 'unseen', askedAt: number) => observed(kind, { askedAt: askedAt * 1_000, latencyMs: 0 });
const D = (at: number) => participantEnd('participant-disconnected', timed(at));
const L = (at: number) => participantEnd('participant-left', timed(at));
const says = (kind: 'available' | 'busy', at: number, until?: number) =>
  fact(kind, { at: at * 1_000, until: until && until * 1_000 });

const announced = (at: number) => labelled({ call: '42' }, { at: at * 1_000 });

function recordOf(events: readonly RecordedEvent[], now: number, rules: PresencePolicy = policy): ParticipantRecord {
  const { record } = advance(undefined, events, now * 1_000, rules);
  if (!record) throw new Error('forgotten');
  return record;
}
const explained = (events: readonly RecordedEvent[], now: number, rules: PresencePolicy = policy): Explanation =>
  explain(recordOf(events, now, rules), rules);

const textOf = ({ state, sinceMs, cause, isDoubtful }: Presence) =>
  [state, sinceMs / 1_000, cause, isDoubtful ? 'doubtful' : undefined].filter((word) => word !== undefined).join(' ');

/** The rules of the first device, and its state. */
function ofDevice({ devices }: Explanation): string[] {
  const device = devices.find(({ view }) => view.deviceId === 'd1');
  return [...(device?.steps ?? []).map(({ rule }) => rule), device ? textOf(device.view) : 'unknown'];
}

const ONE = { ...policy, devicesAtOnce: 'one' as const };
const ASKED = { ...ONE, listLagMs: 5_000 };
const LEAVE_GRACE = { ...policy, leaveGraceMs: 60_000 };
type Example = [events: RecordedEvent[], now: number, expected: string[], rules?: PresencePolicy];

/** What is expected: the rules of all steps, then the state of the device. */
const OF_DEVICES: Partial<Record<Rule, Example>> = {
  opened: [[c(0)], 1, ['opened', 'connected 0']],
  'opened-again': [[c(0), l(5), c(9)], 10, ['opened', 'left', 'opened-again', 'connected 9']],
  'opened-after-loss': [[c(0), d(10), c(30)], 31, ['opened', 'lost', 'opened-after-loss', 'connected 30']],
  'opened-after-expiry': [[c(0), c(HOUR + 1)], HOUR + 2, ['opened', 'opened-after-expiry', 'connected 3601']],
  resumed: [[c(0), d(10), c(20)], 21, ['opened', 'lost', 'resumed', 'connected 0']],
  'socket-added': [[c(0), c(10)], 11, ['opened', 'socket-added', 'connected 0']],
  'sighting-confirmed': [[answer('seen', 10), c(12)], 13, ['sighted', 'sighting-confirmed', 'connected 5']],
  lost: [[c(0), d(10)], 11, ['opened', 'lost', 'reconnecting 10']],
  'lost-again': [[c(0), d(10), d(20)], 21, ['opened', 'lost', 'lost-again', 'reconnecting 20']],
  'lost-without-connect': [[d(10)], 11, ['lost-without-connect', 'reconnecting 10']],
  'loss-confirmed': [
    [c(0), answer('unseen', 20), d(18, { receivedAt: 21 })],
    22,
    ['opened', 'unseen', 'loss-confirmed', 'reconnecting 18'],
  ],
  'older-socket-closed': [
    [c(0), c(10), d(12)],
    13,
    ['opened', 'socket-added', 'older-socket-closed', 'connected 0 doubtful'],
  ],
  'operator-end-undone': [
    [c(0), ended(0, 10), d(11)],
    12,
    ['opened', 'ended-by-operator', 'operator-end-undone', 'reconnecting 11'],
  ],
  'already-expired': [[c(0), d(HOUR + 1)], HOUR + 2, ['opened', 'already-expired', 'gone 3600 expired']],
  left: [[c(0), l(10)], 11, ['opened', 'left', 'gone 10 left']],
  'left-while-lost': [[c(0), d(10), l(12)], 13, ['opened', 'lost', 'left-while-lost', 'gone 10 left']],
  'left-without-connect': [[l(10)], 11, ['left-without-connect', 'gone 10 left']],
  'left-after-expiry': [
    [c(0), d(HOUR + 1), l(HOUR + 2)],
    HOUR + 3,
    ['opened', 'already-expired', 'left-after-expiry', 'gone 3602 left'],
  ],
  'left-after-operator-end': [
    [c(0), ended(0, 10), l(11)],
    12,
    ['opened', 'ended-by-operator', 'left-after-operator-end', 'gone 11 left'],
  ],
  'ended-by-operator': [[c(0), ended(0, 10)], 11, ['opened', 'ended-by-operator', 'gone 10 ended']],
  'leave-grace-cancelled': [
    [c(0), l(10), ended(10, 20)],
    21,
    ['opened', 'left', 'leave-grace-cancelled', 'gone 10 left'],
    LEAVE_GRACE,
  ],
  sighted: [[answer('seen', 10)], 11, ['sighted', 'connected 5']],
  seen: [
    [c(0), c(10), d(12), answer('seen', 20)],
    21,
    ['opened', 'socket-added', 'older-socket-closed', 'seen', 'connected 0'],
  ],
  'seen-while-lost': [
    [c(0), d(10), answer('seen', 20)],
    21,
    ['opened', 'lost', 'seen-while-lost', 'connected 0 doubtful'],
  ],
  'seen-after-end': [
    [c(0), l(10), answer('seen', 26)],
    27,
    ['opened', 'left', 'seen-after-end', 'connected 21 doubtful'],
  ],
  unseen: [[c(0), answer('unseen', 20)], 21, ['opened', 'unseen', 'reconnecting 15']],
  'ignored-end-known': [[c(0), l(10), d(11)], 12, ['opened', 'left', 'ignored-end-known', 'gone 10 left']],
  'ignored-not-connected': [[D(0), c(5)], 6, ['ignored-not-connected', 'opened', 'connected 5']],
  'ignored-other-device': [[c(0), d(10), D(12)], 13, ['opened', 'lost', 'ignored-other-device', 'reconnecting 10']],
  'ignored-old-answer': [
    [c(0), l(10), answer('seen', 20)],
    21,
    ['opened', 'left', 'ignored-old-answer', 'gone 10 left'],
  ],
  superseded: [[c(0), c(50, { device: 'd2' })], 51, ['opened', 'superseded', 'gone 50 superseded'], ONE],
  'superseded-while-lost': [
    [c(0), d(45), c(50, { device: 'd2' })],
    51,
    ['opened', 'lost', 'superseded-while-lost', 'gone 45 lost'],
    ONE,
  ],
  'superseded-in-doubt': [
    [c(0), c(50, { device: 'd2' }), l(60, { device: 'd2' })],
    61,
    ['opened', 'superseded-in-doubt', 'reconnecting 50'],
    ASKED,
  ],
  'grace-over': [[c(0), d(10)], 30, ['opened', 'lost', 'grace-over', 'gone 10 lost']],
  expired: [[c(0)], HOUR + 1, ['opened', 'expired', 'gone 3600 expired']],
};

/** Other ways to the same rules. */
const ALSO_OF_DEVICES: [Rule, ...Example][] = [
  ['left', [c(0), answer('unseen', 20), l(22)], 23, ['opened', 'unseen', 'left', 'gone 22 left']],
  [
    'left-while-lost',
    [c(0), answer('unseen', 20), l(31, { receivedAt: 40 })],
    41,
    ['opened', 'unseen', 'left-while-lost', 'gone 15 left'],
  ],
  ['ignored-end-known', [c(0), l(10), l(11)], 12, ['opened', 'left', 'ignored-end-known', 'gone 10 left']],
  ['ignored-end-known', [c(0), l(10), L(11)], 12, ['opened', 'left', 'ignored-end-known', 'gone 10 left']],
  [
    'ignored-end-known',
    [c(0), d(10), answer('unseen', 20)],
    21,
    ['opened', 'lost', 'ignored-end-known', 'reconnecting 10'],
  ],
  ['ignored-not-connected', [c(30), answer('unseen', 20)], 31, ['ignored-not-connected', 'opened', 'connected 30']],
  [
    'seen-while-lost',
    [answer('seen', 10), answer('unseen', 20), answer('seen', 30)],
    31,
    ['sighted', 'unseen', 'seen-while-lost', 'connected 5 doubtful'],
  ],
  [
    'already-expired',
    [c(0), answer('unseen', HOUR + 20)],
    HOUR + 21,
    ['opened', 'already-expired', 'gone 3600 expired'],
  ],
  [
    'seen-after-end',
    [c(0), d(HOUR + 1), answer('seen', HOUR + 10)],
    HOUR + 11,
    ['opened', 'already-expired', 'seen-after-end', 'connected 3605 doubtful'],
  ],
  [
    'seen-after-end',
    [c(0), answer('seen', HOUR + 10)],
    HOUR + 11,
    ['opened', 'seen-after-end', 'connected 3605 doubtful'],
  ],
  [
    'seen-after-end',
    [c(0), d(10), answer('seen', 30)],
    31,
    ['opened', 'lost', 'seen-after-end', 'connected 25 doubtful'],
  ],
  [
    'seen-while-lost',
    [d(10), answer('seen', 20)],
    21,
    ['lost-without-connect', 'seen-while-lost', 'connected 15 doubtful'],
  ],
  [
    'loss-confirmed',
    [c(0), answer('unseen', 20), D(18)],
    22,
    ['opened', 'unseen', 'loss-confirmed', 'reconnecting 18'],
  ],
];

const OF_THE_PARTICIPANT: Partial<Record<Rule, [() => Explanation, state: string]>> = {
  'device-connected': [() => explained([c(0), l(5, { device: 'd2' })], 6), 'connected 0'],
  'device-reconnecting': [() => explained([c(0), d(10)], 11), 'reconnecting 0'],
  'in-leave-grace': [() => explained([c(0), l(10)], 11, LEAVE_GRACE), 'reconnecting 0'],
  'all-devices-gone': [() => explained([c(0), l(10)], 11), 'gone 10 left'],
  'no-device-known': [() => explained([L(10)], 11), 'gone 10 left'],
  announced: [() => explained([announced(10), says('busy', 11)], 12), 'expected 10'],
  'announcement-withdrawn': [() => explained([announced(10), labelled({}, { at: 20_000 })], 21), 'gone 20 ended'],
};

const DAY = 86_400;
const shorter = { ...policy, graceMs: 5_000 };
/** Which of these comes next, and when. */
const NEXT: Partial<Record<Rule, [() => Explanation, at: number, deviceId?: string]>> = {
  expired: [() => explained([c(0)], 1), HOUR + 0.001, 'd1'],
  'grace-over': [() => explained([c(0), c(1, { device: 'd2' }), d(10)], 11), 25, 'd1'],
  'leave-grace-over': [() => explained([c(0), l(10)], 11, LEAVE_GRACE), 70],
  'availability-over': [() => explained([c(0), says('busy', 10, 100)], 11), 100],
  'device-forgotten': [
    () =>
      explained([c(0), l(10), c(7 * DAY, { device: 'd2' })], 7 * DAY, { ...policy, maxConnectionMs: 9 * HOUR * 1_000 }),
    7 * DAY + 10,
    'd1',
  ],
  'participant-forgotten': [() => explained([c(0), l(10)], 11), 7 * DAY + 10],
  recomputed: [() => explain(recordOf([c(0), d(10)], 12), shorter), 25],
};

const isAt = (seconds: number) => seconds * 1_000;
const OF_AVAILABILITY: Partial<Record<Rule, [() => Explanation, rules: Rule[]]>> = {
  'availability-set': [
    () => explained([c(0), says('busy', 5), says('available', 6)], 7),
    ['availability-set', 'availability-set'],
  ],
  'availability-repeated': [
    () => explained([c(0), says('busy', 5), says('busy', 6)], 7),
    ['availability-set', 'availability-repeated'],
  ],
  'availability-over': [
    () => explained([c(0), says('available', 5), says('busy', 6, 10)], 11),
    ['availability-set', 'availability-set', 'availability-over'],
  ],
  'availability-before-presence': [
    () => explained([c(5), says('available', 1), says('busy', 6)], 7),
    ['availability-before-presence', 'availability-set'],
  ],
  'availability-not-connected': [() => explained([c(0), says('busy', 5), d(6)], 7), ['availability-not-connected']],
};

const all = <T>(examples: Partial<Record<Rule, T>>) => Object.entries(examples) as [Rule, T][];

describe('the explanation of presence', () => {
  it.each(all(OF_DEVICES))('says what an event, a newer device or time did to a device: %s', (rule, example) => {
    const [events, now, expected, rules] = example;
    expect(ofDevice(explained(events, now, rules))).toEqual(expected);
    expect(expected).toContain(rule);
  });

  it.each(ALSO_OF_DEVICES)('says it in each case of a rule: %s', (_rule, events, now, expected) => {
    expect(ofDevice(explained(events, now))).toEqual(expected);
  });

  it.each(all(OF_THE_PARTICIPANT))('says why the participant has its state: %s', (rule, [example, state]) => {
    const explanation = example();
    expect([explanation.rule, textOf(explanation.view)]).toEqual([rule, state]);
  });

  it.each(all(NEXT))('says what comes next: %s', (rule, [example, at, deviceId]) => {
    const { next, isOutdated } = example();
    expect(next).toEqual({ rule, atMs: isAt(at), deviceId });
    expect(isOutdated).toBe(rule === 'recomputed');
  });

  it.each(all(OF_AVAILABILITY))('says what a fact of availability did: %s', (rule, [example, rules]) => {
    expect(example().availability.map((step) => step.rule)).toEqual(rules);
    expect(rules).toContain(rule);
  });

  it('has an example of every rule', () => {
    const shown = [OF_DEVICES, OF_THE_PARTICIPANT, NEXT, OF_AVAILABILITY].flatMap(Object.keys);
    expect(new Set(shown)).toEqual(new Set(Object.keys(RULES)));
  });

  it('says how late and out of order an event was received', () => {
    const { devices } = explained([l(20), c(10, { receivedAt: 25 }), d(15, { receivedAt: 22 })], 26);
    const steps = (devices[0]?.steps ?? []).flatMap((step) => ('event' in step ? [step] : []));
    expect(steps.map(({ event, overtakenBy }) => [event.kind, overtakenBy])).toEqual([
      ['connected', 2],
      ['disconnected', 1],
      ['left', 0],
    ]);
  });

  it('says of a connect that counts before an earlier end, because clocks differ', () => {
    const [device] = explained([l(8, { receivedAt: 11 }), c(10)], 12).devices;
    expect(device?.steps).toMatchObject([
      { rule: 'opened', event: { kind: 'connected' }, isMoved: true },
      { rule: 'left', event: { kind: 'left' }, isMoved: false },
    ]);
  });

  it('has the ends of all devices, also if no device is known', () => {
    expect(explained([L(10), D(5)], 11).ends).toMatchObject([
      { event: { kind: 'participant-disconnected' }, overtakenBy: 0 },
      { event: { kind: 'participant-left' }, overtakenBy: 0 },
    ]);
  });

  it('says which device superseded another, and when', () => {
    const { devices } = explained([c(0), c(50, { device: 'd2', receivedAt: 52 })], 53, ONE);
    const by = { deviceId: 'd2', atMs: isAt(50), receivedAtMs: isAt(52) };
    expect(devices.find(({ view }) => view.deviceId === 'd1')?.steps.at(-1)).toMatchObject({ rule: 'superseded', by });
  });

  it('says when time ended a connection, and which one a new one followed', () => {
    expect(explained([c(0), d(10)], 30).devices[0]?.steps.at(-1)).toMatchObject({ rule: 'grace-over', atMs: isAt(25) });
    const previous = { cause: 'lost', endedAtMs: isAt(10) };
    expect(explained([c(0), d(10), c(30)], 31).devices[0]?.steps.at(-1)).toMatchObject({ previous });
  });

  it('says what came before the events that are kept', () => {
    const many = Array.from({ length: MAX_KEPT_EVENTS }, (_, n) => [d(10 * n + 5), c(10 * n + 10)]).flat();
    const [device] = explained([c(0), ...many], 1_000).devices;
    expect(device?.steps).toHaveLength(MAX_KEPT_EVENTS);
    expect(device?.base).toMatchObject({
      upTo: { kind: 'connected', occurredAtMs: isAt(80) },
      connection: { phase: 'open', connectedAtMs: 0, interruptions: 8 },
    });
  });

  it('says when the provider is asked about a doubt', () => {
    const events = [c(0), c(10), d(12)];
    expect(explained(events, 13, { ...policy, listLagMs: 5_000 }).askAtMs).toBe(isAt(17.5));
    expect(explained(events, 13).askAtMs).toBeUndefined();
  });

  it('says if the policy is no longer the one with which presence was computed', () => {
    const record = recordOf([c(0), d(10)], 20);
    expect(explain(record, policy)).toMatchObject({ isOutdated: false, policy });
    expect(explain(record, { ...policy, graceMs: 5_000 })).toMatchObject({
      isOutdated: true,
      view: { state: 'gone' },
      policy: { graceMs: 5_000 },
    });
    // Its next deadline is the same, but it would be present since 0.
    const returned = recordOf([c(0), l(10), c(12)], 13);
    expect(explain(returned, LEAVE_GRACE)).toMatchObject({ isOutdated: true, view: { sinceMs: 0 } });
  });
});

describe('docs/rules.md', () => {
  it('has the same rules', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/rules.md'), 'utf8');
    const [, section = ''] = page.split("\n## Explaining a participant's presence\n");
    const rows = [...section.matchAll(/^\| `([a-z-]+)` \| (.+) \|$/gm)].map(([, rule, meaning]) => [rule, meaning]);
    expect(rows).toEqual(Object.entries(RULES));
  });
});
