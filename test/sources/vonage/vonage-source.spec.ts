// The authenticity and the meaning of Vonage's callbacks: recorded cases, and what the official SDK verifies. It does not sign.
import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { verifySignature } from '@vonage/jwt';
import fc from 'fast-check';
import { SignJWT } from 'jose';
import type { SourceName } from '../../../src/domain/subject.js';
import { participantPointer } from '../../../src/sources/vonage/connection-data.js';
import { maxAgeMs, signatureSecrets } from '../../../src/sources/vonage/vonage-authentication.js';
import { vonage } from '../../../src/sources/vonage/vonage-source.js';
import { type BodyCase, bodyCases, documentedEffects, meaningOf, rawCallback, signatureCases } from '../cases.js';

const SOURCE = 'vonage' as SourceName;
const RECEIVED_AT_MS = 1_790_000_200_000;
const FIVE_MINUTES_MS = 300_000;
const SECRET = 'vonage-test-signature-secret-0000000001';

interface Config {
  readonly signatureSecrets: readonly string[];
}

const sourceWith = (secrets: readonly string[], { pointer = '', ageMs = FIVE_MINUTES_MS } = {}) =>
  vonage.create(SOURCE, {
    signatureSecrets: secrets,
    maxAgeMs: ageMs,
    participantPointer: participantPointer.read(pointer),
  });
const translate = (body: unknown, pointer?: string) =>
  sourceWith([SECRET], { ...(pointer !== undefined && { pointer }) }).translate(body, RECEIVED_AT_MS);

const tokenOf = (authorization = '') => authorization.replace('Bearer ', '');

describe('the signature of Vonage', () => {
  const cases = signatureCases<Config>('vonage');
  const outcome = async (one: (typeof cases)[number], ageMs?: number) => {
    const source = sourceWith(one.config.signatureSecrets, { ...(ageMs !== undefined && { ageMs }) });
    return (await source.authenticate?.(rawCallback(one), one.now))?.outcome;
  };

  it.each(cases.map((one) => [one.name, one] as const))('of the recorded case: %s', async (_, one) => {
    expect(await outcome(one)).toBe(one.expect === 'accept' ? 'authentic' : 'rejected');
    const token = tokenOf(one.headers.authorization);
    const isSigned = one.config.signatureSecrets.some((secret) => verifySignature(token, secret));
    expect(isSigned ? 'accept' : 'reject').toBe(one.checkedBy[0]?.verdict);
  });

  it('is that of the body, while the SDK checks the token only', () => {
    const laxer = cases.filter((one) => one.expect !== one.checkedBy[0]?.verdict);
    expect(laxer.map(({ name }) => name)).toEqual([
      'payload changed: only payload_hash shows it',
      'no payload_hash',
      'issued ten minutes ago',
    ]);
  });

  it('may be as old as the setting says, since Vonage sends again for a day', async () => {
    const old = cases.find(({ name }) => name === 'issued ten minutes ago');
    if (!old) throw new Error('the case is missing');
    const ageMs = maxAgeMs.read(maxAgeMs.fallback ?? '');
    expect(ageMs).toBe(86_400_000);
    // Ten seconds are allowed for the clocks.
    const issuedMs = old.now - 600_000;
    expect(await outcome({ ...old, now: issuedMs + ageMs + 9_999 }, ageMs)).toBe('authentic');
    expect(await outcome({ ...old, now: issuedMs + ageMs + 10_000 }, ageMs)).toBe('rejected');
    expect(await outcome({ ...old, now: issuedMs - 10_000 }, ageMs)).toBe('authentic');
    expect(await outcome({ ...old, now: issuedMs - 10_001 }, ageMs)).toBe('rejected');
  });

  it('is refused for the reason that is logged', async () => {
    const body = '{"event":"connectionCreated"}';
    const hash = createHash('sha256').update(body).digest('hex');
    const nowSeconds = RECEIVED_AT_MS / 1_000;
    const sign = (claims: object = {}, header: object = {}, secret = SECRET) =>
      new SignJWT({ iat: nowSeconds, payload_hash: hash, ...claims })
        .setProtectedHeader({ alg: 'HS256', ...header })
        .sign(Buffer.from(secret));
    const authenticate = async (authorization: string | undefined) => {
      const headers = { ...(authorization !== undefined && { authorization }) };
      const callback = { headers, body: Buffer.from(body), url: undefined };
      return await sourceWith([SECRET]).authenticate?.(callback, RECEIVED_AT_MS);
    };
    for (const accepted of [`Bearer ${await sign()}`, `bearer ${await sign({ exp: nowSeconds + 1 })}`]) {
      expect(await authenticate(accepted)).toEqual({ outcome: 'authentic' });
    }
    // Signed with HS256, but it says otherwise.
    const [, payload = ''] = (await sign()).split('.');
    const signed = `${Buffer.from('{"alg":"HS384"}').toString('base64url')}.${payload}`;
    const mislabelled = `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
    const refused: [string | undefined, string][] = [
      [undefined, 'no-credentials'],
      [`Bearer ${mislabelled}`, 'malformed-credentials'],
      ['', 'malformed-credentials'],
      [await sign(), 'malformed-credentials'],
      [`Basic ${btoa(`a:${SECRET}`)}`, 'malformed-credentials'],
      ['Bearer x', 'malformed-credentials'],
      [`Bearer ${await sign({}, {}, 'another-secret')}`, 'wrong-signature'],
      [`Bearer ${await sign({ payload_hash: hash.toUpperCase() })}`, 'wrong-signature'],
      [`Bearer ${await sign({ payload_hash: [hash] })}`, 'wrong-signature'],
      [`Bearer ${await sign({ iat: undefined })}`, 'malformed-credentials'],
      [`Bearer ${await sign({ iat: nowSeconds + 60 })}`, 'outdated-signature'],
      [`Bearer ${await sign({ exp: nowSeconds - 60 })}`, 'outdated-signature'],
      [`Bearer ${await sign({ nbf: nowSeconds + 60 })}`, 'outdated-signature'],
      [`Bearer ${await sign({}, { crit: ['b64'], b64: true })}`, 'malformed-credentials'],
    ];
    for (const [authorization, reason] of refused) {
      expect([authorization, await authenticate(authorization)]).toEqual([
        authorization,
        { outcome: 'rejected', reason },
      ]);
    }
  });

  it.each(['', 'too-short', `${SECRET},`, `${SECRET},with space ${SECRET}`])('needs secrets, unlike %p', (text) => {
    expect(() => signatureSecrets.read(text)).toThrow(/^must be a comma-separated list of secrets, each of 16 to 256/);
  });
});

interface PointedCase extends BodyCase {
  readonly options?: { readonly participantPointer: string };
}

describe('the body of Vonage', () => {
  const cases: readonly PointedCase[] = bodyCases('vonage/bodies');
  it.each(cases.map((one) => [one.name, one] as const))('in the recorded case: %s', (_, one) => {
    const { outcome, events } = one.expect;
    const ofCase = (body: unknown) => translate(body, one.options?.participantPointer);
    // Of an end without a participant, the kind says so.
    const expected = events?.map(({ participantId, kind, ...event }) =>
      participantId === null ? { ...event, kind: `device-${kind}` } : { ...event, participantId, kind },
    );
    expect(meaningOf(one.rawBody, ofCase)).toEqual(expected ? { outcome, events: expected } : { outcome });
    const translation = expected && ofCase(JSON.parse(one.rawBody));
    if (translation?.outcome !== 'events') return;
    for (const event of translation.events) {
      const place = event.subject ?? event;
      expect(place).toMatchObject({ source: SOURCE, scope: events?.[0]?.tag });
    }
  });

  const body = (event: string, connection: object = {}, more: object = {}) => ({
    sessionId: 's-1',
    event,
    timestamp: 1_790_000_061_953,
    connection: { id: 'c-1', createdAt: 1_790_000_001_143, data: 'alice', ...connection },
    ...more,
  });
  const eventOf = (value: unknown, pointer?: string) => {
    const translation = translate(value, pointer);
    return translation.outcome === 'events' ? translation.events[0] : undefined;
  };
  const participantOf = (data: unknown, pointer?: string) =>
    eventOf(body('connectionCreated', { data }), pointer)?.subject?.participantId;
  const faultsOf = (value: unknown, pointer?: string) => {
    const translation = translate(value, pointer);
    return translation.outcome === 'invalid' ? translation.errors : [];
  };

  it('means what the documentation says of each event and reason', () => {
    const effects = documentedEffects('vonage.md');
    const effectOf = (value: unknown) => eventOf(value)?.kind ?? translate(value).outcome;
    const events = [...effects].filter(([name]) => /^[a-z]+[A-Z]\w+ed$/.test(name) && !name.endsWith('Disconnected'));
    expect(events).toHaveLength(9);
    for (const [event, effect] of events.filter(([name]) => name !== 'connectionDestroyed')) {
      expect([event, effectOf(body(event))]).toEqual([event, effect]);
    }
    const reasons = [...effects].filter(([name]) => /Disconnected$|^mediaIdle$/.test(name));
    expect(reasons).toHaveLength(4);
    for (const [reason, effect] of reasons) {
      expect([reason, effectOf(body('connectionDestroyed', {}, { reason }))]).toEqual([reason, effect]);
      const unnamed = body('connectionDestroyed', { data: '' }, { reason });
      expect([reason, effectOf(unnamed)]).toEqual([reason, `device-${effect}`]);
    }
    for (const reason of [undefined, 7, 'aNewReason']) {
      expect(effectOf(body('connectionDestroyed', {}, { reason }))).toBe('disconnected');
    }
    expect(effects.size).toBe(events.length + reasons.length);
  });

  it('is dated by the connection when it begins, and its end never before that', () => {
    const timeOf = (value: unknown) => eventOf(value)?.occurredAtMs;
    expect(timeOf(body('connectionCreated'))).toBe(1_790_000_001_143);
    expect(timeOf(body('connectionDestroyed'))).toBe(1_790_000_061_953);
    expect(timeOf(body('connectionDestroyed', { createdAt: undefined }))).toBe(1_790_000_061_953);
    expect(timeOf(body('connectionDestroyed', { createdAt: 1_790_000_061_954 }))).toBe(1_790_000_061_954);
  });

  it('names the participant by its data, by the member at the pointer or, without data, by the connection', () => {
    expect(participantOf('alice')).toBe('alice');
    expect(participantOf('{"userId":"alice"}')).toBe('{"userId":"alice"}');
    for (const data of ['', null, undefined]) expect([data, participantOf(data)]).toEqual([data, 'c-1']);
    expect(participantOf('', '/userId')).toBe('c-1');
    expect(participantOf('{"userId":"alice"}', '/userId')).toBe('alice');
    expect(participantOf('{"userId":42}', '/userId')).toBe('42');
    expect(participantOf('{"user":[{"a/b":{"~c":{"":"bob"}}}]}', '/user/0/a~1b/~0c/')).toBe('bob');
    expect(participantOf('{"~1":"carl","/":"eve"}', '/~01')).toBe('carl');
    expect(participantOf(JSON.stringify({ userId: 'alice', more: 'x'.repeat(900) }), '/userId')).toBe('alice');
  });

  it('has no participant if its data has no valid id, and a connect is refused then', () => {
    const refused: [data: unknown, pointer: string, message: string][] = [
      ['x'.repeat(257), '', 'must not be longer than 256 characters; if it is JSON, SOURCE_<NAME>_PARTICIPANT_POINTER'],
      [
        '{\n"userId":"alice"}',
        '',
        'must not contain control characters; if it is JSON, SOURCE_<NAME>_PARTICIPANT_POINTER',
      ],
      [' ', '', 'must not be blank'],
      [7, '', 'must be a string'],
      [['alice'], '/0', 'must be a string'],
      ['alice', '/userId', 'has no valid id at /userId: it is missing'],
      ['null', '/userId', 'has no valid id at /userId: it is missing'],
      ['{"userId":""}', '/userId', 'has no valid id at /userId: it must not be blank'],
      ['{"userId":true}', '/userId', 'has no valid id at /userId: it must be a string'],
      ['{"userId":12345678901234567890}', '/userId', 'has no valid id at /userId: it must be a string'],
      ['{"userId":{"id":"x"}}', '/userId', 'has no valid id at /userId: it must be a string'],
      ['{}', '/constructor/name', 'has no valid id at /constructor/name: it is missing'],
      ['["a"]', '/length', 'has no valid id at /length: it is missing'],
      ['["a"]', '/-1', 'has no valid id at /-1: it is missing'],
      ['["a"]', '/00', 'has no valid id at /00: it is missing'],
      ['["a"]', '/', 'has no valid id at /: it is missing'],
      ['['.repeat(30_000) + ']'.repeat(30_000), '/0', 'has no valid id at /0: it must be a string'],
    ];
    for (const [data, pointer, message] of refused) {
      const faults = faultsOf(body('connectionCreated', { data }), pointer);
      expect(faults).toEqual([{ pointer: '#/connection/data', message: expect.stringContaining(message) }]);
      const end = eventOf(body('connectionDestroyed', { data }), pointer);
      expect(end).toMatchObject({
        kind: 'device-disconnected',
        source: SOURCE,
        scope: 's-1',
        deviceId: 'c-1',
        tag: 's-1',
      });
    }
  });

  it('has the participant wherever a pointer says', () => {
    const names = fc.array(fc.string({ unit: 'grapheme', maxLength: 5 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(names, (path) => {
        const nested = path.reduceRight<unknown>((inner, name) => Object.fromEntries([[name, inner]]), 'alice');
        const pointer = path.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
        expect(participantOf(JSON.stringify(nested), pointer)).toBe('alice');
      }),
    );
  });

  it.each(['userId', 'text', '#/userId', '/a~', '/a~2b', '/user/~'])('has no pointer like %p', (text) => {
    expect(() => participantPointer.read(text)).toThrow(/^must be a JSON pointer like \/userId, or empty$/);
  });

  it.each<[object, string[]]>([
    [body(''), ['#/event']],
    [body('', {}, { event: 1 }), ['#/event']],
    [body('connectionCreated', {}, { sessionId: '' }), ['#/sessionId']],
    [body('connectionCreated', { id: 7 }), ['#/connection/id']],
    [body('connectionCreated', { createdAt: 1_790_000_001 }), ['#/connection/createdAt']],
    [body('connectionCreated', { createdAt: undefined }), ['#/connection/createdAt']],
    [body('connectionCreated', {}, { connection: 'c-1' }), ['#/connection/id', '#/connection/createdAt']],
    [body('connectionDestroyed', { id: undefined }), ['#/connection/id']],
    [body('connectionDestroyed', { createdAt: 'x' }), ['#/connection/createdAt']],
    [body('connectionDestroyed', {}, { timestamp: undefined }), ['#/timestamp']],
    [body('connectionDestroyed', {}, { sessionId: null }), ['#/sessionId']],
  ])('is refused if its members are not valid: %j', (value, pointers) => {
    expect(faultsOf(value).map(({ pointer }) => pointer)).toEqual(pointers);
  });
});
