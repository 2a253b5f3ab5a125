// The authenticity and the meaning of the webhooks of JaaS, by recorded cases, the first of which 8x8 has published.
import { describe, expect, it } from '@jest/globals';
import type { SourceName } from '../../../src/domain/subject.js';
import { maxAgeMs, signingSecrets } from '../../../src/sources/jaas/jaas-authentication.js';
import { jaas } from '../../../src/sources/jaas/jaas-source.js';
import { bodyCases, documentedEffects, meaningOf, rawCallback, signatureCases } from '../cases.js';

const SOURCE = 'jaas' as SourceName;
const RECEIVED_AT_MS = 1_790_000_200_000;
const FIVE_MINUTES_MS = 300_000;
const SECRET = 'whsec_0123456789abcdef0123456789abcdef';

interface Config {
  readonly secrets: readonly string[];
}

const sourceWith = (secrets: readonly string[], ageMs = FIVE_MINUTES_MS) =>
  jaas.create(SOURCE, { signingSecrets: secrets, maxAgeMs: ageMs });
const translate = (body: unknown) => sourceWith([SECRET]).translate(body, RECEIVED_AT_MS);

describe('the signature of JaaS', () => {
  const cases = signatureCases<Config>('jaas');
  const authenticationOf = async (one: (typeof cases)[number], ageMs?: number) =>
    sourceWith(one.config.secrets, ageMs).authenticate?.(rawCallback(one), one.now);
  const outcome = async (one: (typeof cases)[number], ageMs?: number) => (await authenticationOf(one, ageMs))?.outcome;

  it.each(cases.map((one) => [one.name, one] as const))('of the recorded case: %s', async (_, one) => {
    expect(await outcome(one)).toBe(one.expect === 'reject' ? 'rejected' : 'authentic');
  });

  it('may be as old as the setting says, and 5 minutes ahead', async () => {
    const old = cases.find(({ name }) => name === 'six minutes old');
    if (!old) throw new Error('the case is missing');
    expect(await outcome(old, 360_000)).toBe('authentic');
    expect(await outcome(old, 359_999)).toBe('rejected');
    expect(await outcome({ ...old, now: old.now - 660_000 }, 360_000)).toBe('authentic');
    expect(await outcome({ ...old, now: old.now - 660_001 }, 360_000)).toBe('rejected');
    expect(maxAgeMs.read(maxAgeMs.fallback ?? '')).toBe(7_200_000);
  });

  it('is refused with a reason', async () => {
    const [valid] = cases;
    if (!valid) throw new Error('there are no cases');
    const signature = valid.headers['x-jaas-signature'] ?? '';
    for (const [header, reason] of [
      ['', 'no-credentials'],
      ['x', 'malformed-credentials'],
      [signature.replace('t=', 't=1e'), 'malformed-credentials'],
      [signature.replace(/t=\d+,/, ''), 'malformed-credentials'],
      [signature.replace('v1=', 'v2='), 'wrong-signature'],
      [signature.replace(/=$/, ''), 'wrong-signature'],
      ['t=1632490060', 'wrong-signature'],
    ]) {
      const authentication = await authenticationOf({ ...valid, headers: { 'x-jaas-signature': String(header) } });
      expect([header, authentication]).toEqual([header, { outcome: 'rejected', reason }]);
    }
    const spaced = { ...valid, headers: { 'x-jaas-signature': signature.replace(',', ', ') } };
    expect(await outcome(spaced)).toBe('authentic');
  });

  it.each(['', 'whsec_short', SECRET.slice(6), `${SECRET},`, `${SECRET},whsec_with space 0123456789`])(
    'needs secrets, unlike %p',
    (text) => {
      expect(() => signingSecrets.read(text)).toThrow(/^must be a comma-separated list of secrets, each whsec_ and 16/);
    },
  );
});

describe('the body of JaaS', () => {
  it.each(bodyCases('jaas/bodies').map((one) => [one.name, one] as const))('in the recorded case: %s', (_, one) => {
    const { outcome, events } = one.expect;
    expect(meaningOf(one.rawBody, translate)).toEqual(events ? { outcome, events } : { outcome });
    if (!events) return;
    const subject = { source: SOURCE, scope: events[0]?.tag };
    expect(translate(JSON.parse(one.rawBody))).toMatchObject({ events: [{ eventId: one.eventId, subject }] });
  });

  const body = (eventType: string, data: object = {}, more: object = {}) => ({
    eventType,
    idempotencyKey: 'e-1',
    timestamp: 1_790_000_001_143,
    fqn: 'app/r-42',
    data: { id: 'alice', participantJid: 'jid-1@8x8.vc', isBreakout: false, ...data },
    ...more,
  });
  const eventOf = (value: unknown) => {
    const translation = translate(value);
    return translation.outcome === 'events' ? translation.events[0] : undefined;
  };

  it('means what the documentation says of each event and reason', () => {
    const effects = [...documentedEffects('jaas.md')];
    const events = effects.filter(([name, effect]) => /^[A-Z_]+$/.test(name) && !effect.startsWith('depends'));
    expect(events).toHaveLength(35);
    for (const [eventType, effect] of events) {
      const value = body(eventType);
      expect([eventType, eventOf(value)?.kind ?? translate(value).outcome]).toEqual([eventType, effect]);
    }
    const reasons = effects.filter(([name]) => /^[a-z_]+$/.test(name));
    expect(reasons).toHaveLength(5);
    for (const [disconnectReason, effect] of reasons) {
      const { kind } = eventOf(body('PARTICIPANT_LEFT', { disconnectReason })) ?? {};
      expect([disconnectReason, kind]).toEqual([disconnectReason, effect]);
    }
    for (const disconnectReason of [undefined, '', 'new', 7, ['left']]) {
      expect(eventOf(body('PARTICIPANT_LEFT', { disconnectReason }))?.kind).toBe('disconnected');
    }
  });

  it('names the participant by the connection if it has no id', () => {
    for (const id of [undefined, null, '']) {
      expect(eventOf(body('PARTICIPANT_JOINED', { id, breakoutRoomId: 'b-1' }))).toMatchObject({
        subject: { participantId: 'jid-1@8x8.vc' },
        deviceId: 'jid-1@8x8.vc#b-1',
      });
    }
  });

  it.each<[object, string[]]>([
    [body(''), ['#/eventType']],
    [body('PARTICIPANT_JOINED', {}, { eventType: 7 }), ['#/eventType']],
    [body('PARTICIPANT_JOINED', {}, { idempotencyKey: undefined }), ['#/idempotencyKey']],
    [body('PARTICIPANT_JOINED', {}, { timestamp: 1_790_000_001 }), ['#/timestamp']],
    [body('PARTICIPANT_JOINED', {}, { timestamp: 'now', fqn: 7 }), ['#/timestamp', '#/fqn']],
    [body('PARTICIPANT_JOINED', {}, { data: 'x' }), ['#/data/participantJid']],
    [body('PARTICIPANT_LEFT', { id: ['alice'] }), ['#/data/id']],
    [body('PARTICIPANT_LEFT', { participantJid: 7 }), ['#/data/participantJid']],
    [body('PARTICIPANT_LEFT', { breakoutRoomId: 7 }), ['#/data/breakoutRoomId']],
    [body('PARTICIPANT_LEFT', { breakoutRoomId: 'b'.repeat(250) }), ['#/data/breakoutRoomId']],
  ])('is refused if its members are not valid: %j', (value, pointers) => {
    const translation = translate(value);
    expect(translation.outcome === 'invalid' && translation.errors.map(({ pointer }) => pointer)).toEqual(pointers);
  });
});
