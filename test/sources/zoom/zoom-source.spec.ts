// The authenticity and the meaning of Zoom's webhooks, by recorded cases. Zoom's own library is not free, so it is not a dependency:
// its verdicts are part of the cases.
import { describe, expect, it } from '@jest/globals';
import type { SourceName } from '../../../src/domain/subject.js';
import { maxAgeMs, secretTokens } from '../../../src/sources/zoom/zoom-authentication.js';
import { zoom } from '../../../src/sources/zoom/zoom-source.js';
import { bodyCases, documentedEffects, meaningOf, rawCallback, signatureCases } from '../cases.js';

const SOURCE = 'zoom' as SourceName;
const RECEIVED_AT_MS = 1_790_000_200_000;
const FIVE_MINUTES_MS = 300_000;
const TOKEN = 'zoom-test-secret-00001';

interface Config {
  readonly secretTokens: readonly string[];
}

const sourceWith = (tokens: readonly string[], ageMs = FIVE_MINUTES_MS) =>
  zoom.create(SOURCE, { secretTokens: tokens, maxAgeMs: ageMs });
const translate = (body: unknown) => sourceWith([TOKEN]).translate(body, RECEIVED_AT_MS);

describe('the signature of Zoom', () => {
  const cases = signatureCases<Config>('zoom');
  const outcome = async (one: (typeof cases)[number], ageMs?: number) =>
    (await sourceWith(one.config.secretTokens, ageMs).authenticate?.(rawCallback(one), one.now))?.outcome;

  it.each(cases.map((one) => [one.name, one] as const))('of the recorded case: %s', async (_, one) => {
    expect(await outcome(one)).toBe(one.expect === 'reject' ? 'rejected' : 'authentic');
    const reply = sourceWith(one.config.secretTokens).handshake?.(JSON.parse(one.rawBody));
    const { status, body } = one.reply ?? {};
    if (one.expect !== 'reject') expect(reply).toEqual(one.reply && { status, body });
  });

  it('may be as old as the setting says, since Zoom sends again for 85 minutes', async () => {
    const old = cases.find(({ name }) => name.startsWith('six minutes old'));
    if (!old) throw new Error('the case is missing');
    expect(await outcome(old, 360_000)).toBe('authentic');
    expect(await outcome(old, 359_999)).toBe('rejected');
    expect(await outcome({ ...old, now: old.now - 660_000 }, 360_000)).toBe('authentic');
    expect(await outcome({ ...old, now: old.now - 660_001 }, 360_000)).toBe('rejected');
    expect(maxAgeMs.read(maxAgeMs.fallback ?? '')).toBe(7_200_000);
    for (const text of ['', '999', '1e4', '86400001'])
      expect(() => maxAgeMs.read(text)).toThrow('must be a whole number');
  });

  it('is stricter, or truer to the bytes, than that of the library', () => {
    const different = cases.filter((one) => one.expect !== one.checkedBy[0]?.verdict);
    expect(different.map(({ name }) => name)).toEqual([
      'six minutes old, genuine',
      'body with \\u and \\/ escapes, signed as sent',
    ]);
  });

  it.each(['', 'too-short', `${TOKEN},`, `${TOKEN},with space ${TOKEN}`])('needs tokens, unlike %p', (text) => {
    expect(() => secretTokens.read(text)).toThrow(
      /^must be a comma-separated list of secret tokens, each of 16 to 256/,
    );
  });
});

describe('the body of Zoom', () => {
  it.each(bodyCases('zoom/bodies').map((one) => [one.name, one] as const))('in the recorded case: %s', (_, one) => {
    const { outcome, events } = one.expect;
    if (outcome === 'handshake') {
      expect(sourceWith([TOKEN]).handshake?.(JSON.parse(one.rawBody))).toMatchObject({ status: 200 });
      return;
    }
    expect(meaningOf(one.rawBody, translate)).toEqual(events ? { outcome, events } : { outcome });
    if (events)
      expect(translate(JSON.parse(one.rawBody))).toMatchObject({ events: [{ subject: { scope: events[0]?.tag } }] });
  });

  it('has the session or the occurrence of the meeting as a label, if it is valid', () => {
    const labelsIn = (name: string) => {
      const { rawBody } = bodyCases('zoom/bodies').find(({ rawBody: text }) => text.includes(`"${name}"`)) ?? {
        rawBody: '',
      };
      const translation = translate(JSON.parse(rawBody));
      return translation.outcome === 'events' ? translation.events[0] : translation;
    };
    expect(labelsIn('session.user_joined')).toMatchObject({ labels: { session: '4567UVWxYZABCdEfGhiJkl==' } });
    expect(labelsIn('meeting.participant_joined')).toMatchObject({ labels: { session: '4444AAAiAAAAAiAiAiiAii==' } });
    const invalid = translate(session('session.user_joined', {}, { session_id: ' ' }));
    expect(invalid).toMatchObject({ outcome: 'events', events: [{ deviceId: 'u-1' }] });
    expect(JSON.stringify(invalid)).not.toContain('labels');
  });

  const session = (event: string, user: object = {}, object: object = {}, more: object = {}) => ({
    event,
    event_ts: 1_790_000_001_859,
    payload: {
      object: { session_name: 'r-42', user: { user_key: 'alice', participant_uuid: 'u-1', ...user }, ...object },
    },
    ...more,
  });
  const meeting = (event: string, participant: object = {}, object: object = {}) => ({
    event,
    event_ts: 1_790_000_001_859,
    payload: { object: { id: 1234567890, participant: { participant_uuid: 'u-1', ...participant }, ...object } },
  });
  const eventOf = (body: unknown) => {
    const translation = translate(body);
    return translation.outcome === 'events' ? translation.events[0] : undefined;
  };

  it('means what the documentation says of each event and reason', () => {
    const effects = documentedEffects('zoom.md');
    const effectOf = (body: unknown) => eventOf(body)?.kind ?? translate(body).outcome;
    const events = [...effects].filter(([name, effect]) => /^[a-z]+\.\w+$/.test(name) && !effect.startsWith('depends'));
    expect(events).toHaveLength(14);
    for (const [event, effect] of events) {
      const body = event.startsWith('meeting') ? meeting(event) : session(event);
      expect([event, effectOf(body)]).toEqual([event, effect]);
    }
    const reasons = [...effects].filter(([name]) => name.endsWith('.'));
    expect(reasons).toHaveLength(12);
    for (const [reason, effect] of reasons) {
      for (const leave_reason of [
        reason,
        `Reason: x left the session.<br>Reason: ${reason}`,
        `Network left ${reason}`,
      ]) {
        const isName = leave_reason.startsWith('Network') && /^[A-Z]/.test(reason);
        const expected = isName ? 'disconnected' : effect;
        expect([leave_reason, effectOf(session('session.user_left', { leave_reason }))]).toEqual([
          leave_reason,
          expected,
        ]);
        const ofMeeting = leave_reason.replaceAll('session', 'meeting');
        expect(effectOf(meeting('meeting.participant_left', { leave_reason: ofMeeting }))).toBe(expected);
      }
    }
    expect(effectOf(session('session.user_left', { leave_reason: 7 }))).toBe('disconnected');
  });

  it('names the participant and the room by the first id that there is', () => {
    const idsOf = (body: unknown) => {
      const { subject, deviceId } = eventOf(body) ?? {};
      return [subject?.participantId, subject?.scope, deviceId];
    };
    expect(idsOf(session('session.user_joined'))).toEqual(['alice', 'r-42', 'u-1']);
    expect(idsOf(session('session.user_joined', { user_key: '' }, { session_key: '' }))).toEqual([
      'u-1',
      'r-42',
      'u-1',
    ]);
    expect(idsOf(meeting('meeting.participant_joined'))).toEqual(['u-1', '1234567890', 'u-1']);
    expect(idsOf(meeting('meeting.participant_joined', { id: 'i' }))).toEqual(['i', '1234567890', 'u-1']);
    const all = { customer_key: 'c', participant_user_id: 'p', id: 'i' };
    expect(idsOf(meeting('meeting.participant_joined', all))).toEqual(['c', '1234567890', 'u-1']);
    expect(idsOf(meeting('meeting.participant_joined', { ...all, customer_key: null }))).toEqual([
      'p',
      '1234567890',
      'u-1',
    ]);
  });

  it.each<[object, string[]]>([
    [session(''), ['#/event']],
    [session('session.user_joined', {}, {}, { event_ts: '1790000001859' }), ['#/event_ts']],
    [session('session.user_joined', {}, {}, { event_ts: 1_790_000_001 }), ['#/event_ts']],
    [session('session.user_joined', {}, { session_name: ['r'] }), ['#/payload/object/session_name']],
    [session('session.user_joined', { user_key: ['a'] }), ['#/payload/object/user/user_key']],
    [session('session.user_left', { participant_uuid: 7 }), ['#/payload/object/user/participant_uuid']],
    [
      meeting('meeting.participant_left', { participant_uuid: undefined, id: 'i' }),
      ['#/payload/object/participant/participant_uuid'],
    ],
    [{ ...meeting('endpoint.url_validation'), payload: { plainToken: 7 } }, ['#/payload/plainToken']],
  ])('is refused if its members are not valid: %j', (body, pointers) => {
    const translation = translate(body);
    expect(translation.outcome === 'invalid' && translation.errors.map(({ pointer }) => pointer)).toEqual(pointers);
    expect(sourceWith([TOKEN]).handshake?.(body)).toBeUndefined();
  });
});
