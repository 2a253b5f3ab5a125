// The authenticity and the meaning of Twilio's status callbacks: recorded cases, and what the official SDK signs and verifies.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { getExpectedTwilioSignature, validateRequest } from 'twilio/lib/webhooks/webhooks.js';
import type { SourceName } from '../../../src/domain/subject.js';
import { MAX_FORM_FIELDS, parseForm } from '../../../src/http/form-body.js';
import { authTokens } from '../../../src/sources/twilio/twilio-authentication.js';
import { twilio } from '../../../src/sources/twilio/twilio-source.js';
import { bodyCases, meaningOf, rawCallback, signatureCases } from '../cases.js';

const SOURCE = 'twilio' as SourceName;
const RECEIVED_AT_MS = 1_790_000_200_000;
const TOKEN = 'twilio-test-token-00000000000001';

interface Config {
  readonly authTokens: readonly string[];
}

const sourceWith = (tokens: readonly string[], reasonlessEnd: 'disconnected' | 'left' = 'disconnected') =>
  twilio.create(SOURCE, { authTokens: tokens, reasonlessEnd });
const translate = (body: unknown) => sourceWith([TOKEN]).translate(body, RECEIVED_AT_MS);

type Fields = Readonly<Record<string, string | string[]>>;

/** As the SDK takes them: of a field that occurs several times, all values, in an array of this realm. */
function fieldsOf(form: URLSearchParams): Fields {
  return Object.fromEntries([...form.keys()].map((name) => [name, [...form.getAll(name)]]));
}

async function authenticate(signature: string | undefined, url: string, body: string | Buffer, token = TOKEN) {
  const headers = { ...(signature !== undefined && { 'x-twilio-signature': signature }) };
  return await sourceWith([token]).authenticate?.({ headers, body: Buffer.from(body), url }, RECEIVED_AT_MS);
}

describe('the signature of Twilio', () => {
  it.each(signatureCases<Config>('twilio').map((one) => [one.name, one] as const))(
    'of the recorded case: %s',
    async (_, one) => {
      const { config, headers, rawBody, url = '' } = one;
      const ours = await sourceWith(config.authTokens).authenticate?.(rawCallback(one), one.now);
      expect(ours?.outcome).toBe(one.expect === 'accept' ? 'authentic' : 'rejected');
      const fields = fieldsOf(new URLSearchParams(rawBody));
      const signature = headers['x-twilio-signature'] ?? '';
      const isValid = config.authTokens.some((token) => validateRequest(token, signature, url, fields));
      expect(isValid).toBe(one.expect === 'accept');
    },
  );

  const text = fc.string({ unit: 'grapheme' });
  const forms = fc.array(fc.tuple(fc.oneof(fc.constantFrom('a', 'B', 'ab'), text), text), { maxLength: 8 });
  const origins = fc.constantFrom(
    'https://rollcall.example.com',
    'http://127.0.0.1',
    'https://rollcall.example.com:8443',
    'https://[::1]:443',
    'http://[::1]',
  );
  const paths = fc.constantFrom('/callbacks/twilio', '/prefix/callbacks/eu:1/a-secret', '/callbacks/twilio?a=1&b=:2/');

  it('is what the SDK makes of any form, and of nothing that differs', async () => {
    await fc.assert(
      fc.asyncProperty(forms, origins, paths, async (pairs, origin, path) => {
        const form = new URLSearchParams(pairs);
        const url = origin + path;
        const signature = getExpectedTwilioSignature(TOKEN, url, fieldsOf(form));
        expect(await authenticate(signature, url, form.toString())).toEqual({ outcome: 'authentic' });
        const rejected = { outcome: 'rejected', reason: 'wrong-signature' };
        expect(await authenticate(signature, `${url}x`, form.toString())).toEqual(rejected);
        expect(await authenticate(signature, url, `${form.toString()}&added=1`)).toEqual(rejected);
        expect(await authenticate(signature, url, form.toString(), 'another-token')).toEqual(rejected);
      }),
    );
  });

  it.each([
    ['https://rollcall.example.com/x', 'https://rollcall.example.com:443/x'],
    ['http://rollcall.example.com/x?y', 'http://rollcall.example.com:80/x?y'],
    ['https://rollcall.example.com:8443/x', 'https://rollcall.example.com/x'],
    ['http://[::1]/x', 'http://[::1]:80/x'],
  ])('is accepted at %s if it is that of %s, as by the SDK', async (url, signed) => {
    const signature = getExpectedTwilioSignature(TOKEN, signed, { a: '1' });
    expect(await authenticate(signature, url, 'a=1')).toEqual({ outcome: 'authentic' });
    expect(validateRequest(TOKEN, signature, url, { a: '1' })).toBe(true);
  });

  it('is refused for the reason that is logged', async () => {
    const url = 'https://rollcall.example.com/x';
    const signature = getExpectedTwilioSignature(TOKEN, url, { a: '1' });
    const refused: [string | undefined, string | Buffer, string][] = [
      [undefined, 'a=1', 'no-credentials'],
      ['', 'a=1', 'no-credentials'],
      [signature.slice(1), 'a=1', 'wrong-signature'],
      [`${signature}=`, 'a=1', 'wrong-signature'],
      [signature, 'a=1%', 'wrong-signature'],
      [signature, Buffer.from([0xff]), 'wrong-signature'],
    ];
    for (const [given, body, reason] of refused) {
      expect([given, await authenticate(given, url, body)]).toEqual([given, { outcome: 'rejected', reason }]);
    }
  });

  it('is not checked if there are more fields than a callback can have', async () => {
    const url = 'https://rollcall.example.com/x';
    const outcomeWith = async (fields: number) => {
      const form = new URLSearchParams(Array.from({ length: fields }, (_, n): [string, string] => [`f${n}`, '']));
      const signature = getExpectedTwilioSignature(TOKEN, url, fieldsOf(form));
      return await authenticate(signature, url, form.toString());
    };
    expect(await outcomeWith(MAX_FORM_FIELDS)).toEqual({ outcome: 'authentic' });
    expect(await outcomeWith(MAX_FORM_FIELDS + 1)).toEqual({ outcome: 'rejected', reason: 'wrong-signature' });
  });

  it.each(['', 'too-short', `${TOKEN},`, `${TOKEN},with space ${TOKEN}`])('needs auth tokens, unlike %p', (value) => {
    expect(() => authTokens.read(value)).toThrow(/^must be a comma-separated list of auth tokens, each of 16 to 256/);
  });
});

describe('the form of Twilio', () => {
  it.each(bodyCases('twilio/bodies').map((one) => [one.name, one] as const))('in the recorded case: %s', (_, one) => {
    const meaning = meaningOf(one.rawBody, translate, (form) => parseForm(Buffer.from(form)));
    const { outcome, events } = one.expect;
    if (one.roomEnded) {
      const { tag: scope, at } = one.roomEnded;
      expect(meaning).toEqual({ outcome: 'events', events: [{ kind: 'room-ended', scope, at }] });
      return;
    }
    expect(meaning).toEqual(events ? { outcome, events } : { outcome });
    if (!events) return;
    const subject = { source: SOURCE, scope: 'r-42' };
    expect(translate(parseForm(Buffer.from(one.rawBody)))).toMatchObject({ events: [{ subject, precisionMs: 1 }] });
  });

  const form = (event: string, fields: object = {}) => ({
    StatusCallbackEvent: event,
    RoomName: 'support',
    ParticipantIdentity: 'alice',
    ParticipantSid: 'PA1',
    Timestamp: '2026-09-21T14:13:21.876Z',
    ...fields,
  });

  it('means what the list of events says', () => {
    for (const [event, meaning] of twilio.events ?? []) {
      const translation = translate(form(event));
      const actual = translation.outcome === 'events' ? translation.events[0]?.kind : translation.outcome;
      expect([event, actual]).toEqual([event, meaning]);
    }
    expect(translate(form('participant-teleported'))).toEqual({ outcome: 'unknown', name: 'participant-teleported' });
    const ended = sourceWith([TOKEN], 'left').translate(form('participant-disconnected'), RECEIVED_AT_MS);
    expect(ended).toMatchObject({ events: [{ kind: 'left' }] });
  });

  it.each<[unknown, string[]]>([
    [form(''), ['#/StatusCallbackEvent']],
    [form('', { StatusCallbackEvent: ['participant-connected'] }), ['#/StatusCallbackEvent']],
    [null, ['#/StatusCallbackEvent']],
    [form('participant-connected', { RoomName: '' }), ['#/RoomName']],
    [form('participant-connected', { ParticipantIdentity: 'a\0' }), ['#/ParticipantIdentity']],
    [form('participant-disconnected', { ParticipantIdentity: 'a'.repeat(257) }), ['#/ParticipantIdentity']],
    [form('participant-disconnected', { ParticipantSid: undefined }), ['#/ParticipantSid']],
    [form('participant-connected', { Timestamp: '1790000001876' }), ['#/Timestamp']],
    [form('participant-connected', { Timestamp: '2026-02-30T14:13:21.876Z' }), ['#/Timestamp']],
    [form('participant-connected', { Timestamp: '0001-01-01T00:00:00Z' }), ['#/Timestamp']],
    [form('room-ended', { RoomName: undefined, Timestamp: undefined }), ['#/RoomName', '#/Timestamp']],
  ])('is refused if its fields are not valid: %j', (body, pointers) => {
    const translation = translate(body);
    expect(translation.outcome === 'invalid' && translation.errors.map(({ pointer }) => pointer)).toEqual(pointers);
  });
});
