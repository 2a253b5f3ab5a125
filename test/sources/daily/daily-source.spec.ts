// The authenticity and the meaning of Daily's webhooks, by recorded cases. Daily has no library that signs or verifies them.
import { describe, expect, it } from '@jest/globals';
import type { SourceName } from '../../../src/domain/subject.js';
import { hmacSecrets } from '../../../src/sources/daily/daily-authentication.js';
import { daily } from '../../../src/sources/daily/daily-source.js';
import { bodyCases, documentedEffects, meaningOf, rawCallback, signatureCases } from '../cases.js';

const SOURCE = 'daily' as SourceName;
const RECEIVED_AT_MS = 1_790_000_200_000;

interface Config {
  readonly hmacs: readonly string[];
}

const sourceWith = (secrets: readonly string[], reasonlessEnd: 'disconnected' | 'left' = 'disconnected') =>
  daily.create(SOURCE, { hmacSecrets: secrets.map((secret) => Buffer.from(secret, 'base64')), reasonlessEnd });
const source = sourceWith([]);
const translate = (body: unknown) => source.translate(body, RECEIVED_AT_MS);

describe('the signature of Daily', () => {
  const cases = signatureCases<Config>('daily');
  const outcome = async (one: (typeof cases)[number]) =>
    (await sourceWith(hmacsOf(one)).authenticate?.(rawCallback(one), one.now))?.outcome;
  const hmacsOf = ({ config }: (typeof cases)[number]) => config.hmacs;

  it.each(cases.map((one) => [one.name, one] as const))('of the recorded case: %s', async (_, one) => {
    expect(await outcome(one)).toBe(one.expect === 'reject' ? 'rejected' : 'authentic');
    if (one.expect !== 'reject') expect(source.handshake?.(JSON.parse(one.rawBody))).toEqual(one.reply);
  });

  it('may be 5 minutes old or ahead', async () => {
    const [valid] = cases;
    if (!valid) throw new Error('there are no cases');
    for (const [differenceMs, expected] of [
      [300_000, 'authentic'],
      [300_001, 'rejected'],
      [-300_000, 'authentic'],
      [-300_001, 'rejected'],
    ] as const) {
      expect([differenceMs, await outcome({ ...valid, now: valid.now + differenceMs })]).toEqual([
        differenceMs,
        expected,
      ]);
    }
  });

  it('is not needed by the test request, and by nothing that looks like it', async () => {
    const [one] = cases;
    if (!one) throw new Error('there are no cases');
    const unsigned = (rawBody: string) => outcome({ ...one, headers: {}, rawBody });
    expect(await unsigned(' { "test" : "test" }\n')).toBe('authentic');
    for (const body of [
      '{"test":"test","type":"participant.joined"}',
      '{"test":"tests"}',
      '[{"test":"test"}]',
      '{"test":"test"}'.padEnd(65),
    ]) {
      expect([body, await unsigned(body)]).toEqual([body, 'rejected']);
    }
  });

  it.each(['', 'c2hvcnQ=', `${Buffer.alloc(32).toString('base64')}!`, `${Buffer.alloc(32).toString('base64')},`])(
    'needs secrets, unlike %p',
    (text) => {
      expect(() => hmacSecrets.read(text)).toThrow(
        /^must be a comma-separated list of secrets, each of at least 16 bytes in Base64$/,
      );
    },
  );
});

describe('the body of Daily', () => {
  it.each(bodyCases('daily/bodies').map((one) => [one.name, one] as const))('in the recorded case: %s', (_, one) => {
    const { outcome, events } = one.expect;
    if (outcome === 'handshake') {
      expect(source.handshake?.(JSON.parse(one.rawBody))).toEqual({ status: 200 });
      return;
    }
    expect(meaningOf(one.rawBody, translate)).toEqual(events ? { outcome, events } : { outcome });
    if (!events) return;
    const subject = { source: SOURCE, scope: events[0]?.tag };
    expect(translate(JSON.parse(one.rawBody))).toMatchObject({ events: [{ eventId: one.eventId, subject }] });
  });

  const body = (type: string, payload: object = {}, more: object = {}) => ({
    type,
    id: 'e-1',
    payload: {
      room: 'r-42',
      user_id: 'alice',
      session_id: 's-1',
      joined_at: 1_790_000_001.96,
      duration: 11.419,
      ...payload,
    },
    ...more,
  });

  it('means what the documentation says of each type', () => {
    const types = [...documentedEffects('daily.md')].filter(([name]) => /^[a-z-]+\.\w+$/.test(name));
    expect(types).toHaveLength(7);
    for (const [type, effect] of types) {
      const translation = translate(body(type));
      expect([type, translation.outcome === 'events' ? translation.events[0]?.kind : translation.outcome]).toEqual([
        type,
        effect,
      ]);
    }
    expect(sourceWith([], 'left').translate(body('participant.left'), 0)).toMatchObject({ events: [{ kind: 'left' }] });
  });

  it('names the participant by the session if it has no user', () => {
    for (const user_id of [undefined, null, '']) {
      expect(translate(body('participant.joined', { user_id }))).toMatchObject({
        events: [{ subject: { participantId: 's-1' }, deviceId: 's-1' }],
      });
    }
  });

  it.each<[object, string[]]>([
    [body(''), ['#/type']],
    [body('participant.joined', {}, { id: undefined }), ['#/id']],
    [
      body('participant.joined', {}, { payload: 'x' }),
      ['#/payload/room', '#/payload/session_id', '#/payload/joined_at'],
    ],
    [body('participant.joined', { room: 7, user_id: ['a'] }), ['#/payload/room', '#/payload/user_id']],
    [body('participant.joined', { joined_at: 1_790_000_001_960 }), ['#/payload/joined_at']],
    [body('participant.joined', { joined_at: '1790000001.96' }), ['#/payload/joined_at']],
    [body('participant.left', { duration: undefined }), ['#/payload/duration']],
    [body('participant.left', { duration: -1 }), ['#/payload/duration']],
  ])('is refused if its members are not valid: %j', (value, pointers) => {
    const translation = translate(value);
    expect(translation.outcome === 'invalid' && translation.errors.map(({ pointer }) => pointer)).toEqual(pointers);
  });
});
