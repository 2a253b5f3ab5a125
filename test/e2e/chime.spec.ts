// The source for Amazon Chime, where it fetches certificates from SNS and confirms subscriptions there; and the official library, which
// fetches them in the same way, as a second opinion.
import { generateKeyPairSync, sign } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import MessageValidator from 'sns-validator';
import { readConfig } from '../../src/config/config.js';
import type { SourceName } from '../../src/domain/subject.js';
import { chime } from '../../src/sources/chime/chime-source.js';
import { getFromSns } from '../../src/sources/chime/sns-request.js';
import { DIALECTS } from '../../src/sources/registry.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { rawCallback, signatureCases } from '../sources/cases.js';
import { environmentOf, SIGNED_DIALECTS, type SignedDialect } from '../sources/signed-dialects.js';
import { type Service, startService } from './service.js';
import { SnsServer } from './sns-server.js';

const TOPIC = 'arn:aws:sns:us-east-1:111122223333:chime';
const ORIGIN = 'https://sns.us-east-1.amazonaws.com';
const CERTIFICATE_URL = `${ORIGIN}/SimpleNotificationService-1.pem`;
const CONFIRMATION_URL = `${ORIGIN}/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=2336412f37fb687f5d51e6e2425e`;
const KEYS = generateKeyPairSync('rsa', {
  modulusLength: 2_048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

/** As SNS posts it. */
function signed(changes: Readonly<Record<string, string>>): string {
  const message: Readonly<Record<string, string>> = {
    MessageId: 'm-1',
    TopicArn: TOPIC,
    Timestamp: new Date().toISOString(),
    SignatureVersion: '2',
    SigningCertURL: CERTIFICATE_URL,
    ...changes,
  };
  const names = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];
  const lines = names.filter((name) => name in message).map((name) => `${name}\n${message[name]}\n`);
  const Signature = sign('sha256', Buffer.from(lines.join('')), KEYS.privateKey).toString('base64');
  return JSON.stringify({ ...message, Signature });
}

function event(eventType: string, participantId: string): string {
  const attendee = { externalUserId: participantId, attendeeId: `a-${participantId}`, externalMeetingId: 'room' };
  const detail = { eventType, timestamp: Date.now(), ...attendee };
  return JSON.stringify({ 'detail-type': 'Chime Meeting State Change', detail });
}

const joined = (participantId: string, changes: Readonly<Record<string, string>> = {}) =>
  signed({ Type: 'Notification', Message: event('chime:AttendeeJoined', participantId), ...changes });

const confirmation = (changes: Readonly<Record<string, string>> = {}) => {
  const Message = 'You have chosen to subscribe to the topic.';
  const Token = '2336412f37fb687f5d51e6e2425e';
  return signed({ Type: 'SubscriptionConfirmation', Message, Token, SubscribeURL: CONFIRMATION_URL, ...changes });
};

let sns: SnsServer;
let service: Service | undefined;
beforeEach(async () => {
  sns = await SnsServer.start();
});
afterEach(async () => {
  await service?.stop();
  service = undefined;
  await sns.stop();
});

/** A new service, which has fetched nothing yet. */
async function startWith(certificates: string, clock?: ManualClock): Promise<Service> {
  const environment = {
    SOURCES: 'chime',
    SOURCE_CHIME_TOPIC_ARNS: TOPIC,
    SOURCE_CHIME_CERTIFICATES: certificates,
  };
  const { sources } = readConfig(DIALECTS, environment);
  service = await startService({ sources, ...(clock && { clock }) });
  return service;
}

const post = (to: Service, body: string, headers: Readonly<Record<string, string>> = {}) =>
  to.request('/callbacks/chime', {
    method: 'POST',
    headers: { 'content-type': 'text/plain; charset=UTF-8', ...headers },
    body,
  });
const participant = async (of: Service, id: string) => (await of.request(`/v1/participants/${id}?scope=room`)).json;

/** The verdict of the official library. */
function verdictOfSdk(message: string): Promise<'accept' | 'reject'> {
  return new Promise((resolve) => {
    new MessageValidator().validate(message, (error) => resolve(error ? 'reject' : 'accept'));
  });
}

describe('the signature of SNS, with the certificate from SNS', () => {
  interface Config {
    readonly topicArns: readonly string[];
    readonly certificates: Readonly<Record<string, string>>;
  }
  it.each(signatureCases<Config>('chime').map((one) => [one.name, one] as const))(
    'is judged as by the official library in the recorded case: %s',
    async (_, one) => {
      const { topicArns, certificates } = one.config;
      sns.respond = (response, { headers, url }) => {
        const pem = certificates[`https://${headers.host}${url}`];
        response.writeHead(pem === undefined ? 404 : 200).end(pem);
      };
      expect(one.checkedBy).toHaveLength(1);
      for (const { verdict } of one.checkedBy) expect(await verdictOfSdk(one.rawBody)).toBe(verdict);
      const source = chime.create('chime' as SourceName, { topicArns: new Set(topicArns), certificates: 'fetch' });
      const authentication = await source.authenticate?.(rawCallback(one), one.now);
      expect(authentication?.outcome).toBe(one.expect === 'reject' ? 'rejected' : 'authentic');
    },
  );

  it('is accepted by the official library as the tests of all signed dialects make it', async () => {
    const dialect = SIGNED_DIALECTS.find(({ name }) => name === 'chime') as SignedDialect;
    const { SOURCE_CHIME_CERTIFICATES: pem = '' } = environmentOf(dialect, { chime: 1 });
    sns.serve(pem);
    const body = dialect.connect('ann');
    const message = String(dialect.envelope?.(body, await dialect.sign(body)));
    // The library keeps certificates by URL.
    const url = `${ORIGIN}/of-signed-dialects.pem`;
    const verdict = (text: string) => verdictOfSdk(text.replace(CERTIFICATE_URL, url));
    expect(await verdict(message)).toBe('accept');
    expect(await verdict(message.replace('room', 'moor'))).toBe('reject');
  });
});

describe('a certificate', () => {
  it('is fetched once, for as many messages as come', async () => {
    sns.serve(KEYS.publicKey);
    const to = await startWith('fetch');
    const messages = Array.from({ length: 20 }, (_, n) => joined(`p${n}`));
    const answers = await Promise.all(messages.map((message) => post(to, message)));
    expect(answers.map(({ status }) => status)).toEqual(messages.map(() => 204));
    expect((await post(to, joined('later'))).status).toBe(204);
    expect(sns.requested).toEqual([CERTIFICATE_URL]);
    expect(await participant(to, 'later')).toMatchObject({ state: 'connected', tag: 'room' });
  });

  it('that cannot be fetched makes SNS send the message again', async () => {
    const to = await startWith('fetch');
    const message = joined('ann');
    const failures: [string, SnsServer['respond']][] = [
      ['SNS answered 404', (response) => response.writeHead(404).end()],
      ['SNS answered 500', (response) => response.writeHead(500).end(KEYS.publicKey)],
      ['SNS answered 302', (response) => response.writeHead(302, { location: `${ORIGIN}/other.pem` }).end()],
      ['the response from SNS is not a certificate', (response) => response.end('<html>')],
      ['the response from SNS is not a certificate', (response) => response.end(KEYS.privateKey)],
      ['SNS answered with more than 32768 bytes', (response) => response.end(KEYS.publicKey.padEnd(32_769))],
      ['ECONNRESET', (response) => response.destroy()],
    ];
    for (const [, respond] of failures) {
      sns.respond = respond;
      const { status, headers, json } = await post(to, message);
      expect([status, headers.get('retry-after'), json.type]).toEqual([
        503,
        '5',
        'urn:rollcall:problem:provider-unavailable',
      ]);
    }
    const lines = to.logged.filter(({ reason }) => reason === 'provider-unavailable');
    expect(lines.map(({ error }) => error)).toEqual(failures.map(([error]) => error));
    expect((await to.request('/v1/quarantine')).json.items).toEqual([]);
    sns.serve(KEYS.publicKey);
    expect((await post(to, message)).status).toBe(204);
    expect(sns.requested).toEqual(Array.from({ length: failures.length + 1 }, () => CERTIFICATE_URL));
  });

  it('is waited for only so long', async () => {
    sns.respond = () => {};
    await expect(getFromSns(CERTIFICATE_URL, { timeoutMs: 50, maxBytes: 1 })).rejects.toThrow(
      'SNS did not answer within 50 ms',
    );
    sns.respond = (response) => response.writeHead(200).write('x');
    await expect(getFromSns(CERTIFICATE_URL, { timeoutMs: 50, maxBytes: 1 })).rejects.toThrow(
      'SNS did not answer within 50 ms',
    );
  });

  it('is fetched only from the host of SNS itself, by TLS', async () => {
    sns.serve(KEYS.publicKey);
    // The server has no certificate for this host.
    await expect(getFromSns('https://sns.eu-west-1.amazonaws.com/a.pem')).rejects.toThrow(/altnames/);
    expect(sns.requested).toEqual([]);
  });

  it('is not fetched for a message that would be refused anyway', async () => {
    sns.serve(KEYS.publicKey);
    const to = await startWith('fetch');
    const hours = (n: number) => new Date(Date.now() + n * 3_600_000).toISOString();
    const refused = [
      joined('mallory', { TopicArn: `${TOPIC}2` }),
      joined('mallory', { SigningCertURL: 'https://evil.example/a.pem' }),
      joined('mallory', { SigningCertURL: 'http://169.254.169.254/latest/a.pem' }),
      joined('mallory', { SigningCertURL: `${ORIGIN}/${'a'.repeat(20_000)}.pem` }),
      joined('mallory', { SignatureVersion: '3' }),
      joined('mallory', { Timestamp: hours(-3) }),
      joined('mallory', { Timestamp: hours(1) }),
      joined('mallory', { Type: 'Gossip' }),
      'x',
    ];
    for (const message of refused) expect((await post(to, message)).status).toBe(401);
    expect(sns.requested).toEqual([]);
    expect(await participant(to, 'mallory')).toMatchObject({ status: 404 });
    expect(to.refusals.totals()).toContainEqual({ kind: 'callback', reason: 'unknown-topic', count: 1 });
  });

  it('is fetched from at most 10 URLs within a minute, while those that are known are used', async () => {
    const clock = new ManualClock(Date.now());
    const to = await startWith('fetch', clock);
    sns.serve(KEYS.publicKey);
    expect((await post(to, joined('ann'))).status).toBe(204);
    sns.respond = (response) => response.writeHead(404).end();
    const forged = (n: number) => joined('ann', { SigningCertURL: `${ORIGIN}/forged-${n}.pem` });
    for (let n = 0; n < 20; n += 1) expect((await post(to, forged(n))).status).toBe(503);
    expect(sns.requested).toHaveLength(10);
    expect((await post(to, joined('bob'))).status).toBe(204);
    clock.advance(60_000);
    expect((await post(to, forged(20))).status).toBe(503);
    expect(sns.requested).toHaveLength(11);
  });

  it('that is configured is never fetched', async () => {
    const to = await startWith(KEYS.publicKey);
    expect((await post(to, joined('ann'))).status).toBe(204);
    expect((await post(to, joined('ann').replaceAll('ann', 'bob'))).status).toBe(401);
    expect(sns.requested).toEqual([]);
  });
});

describe('a subscription', () => {
  const respondWith = (status: number): SnsServer['respond'] => {
    return (response, { url }) => response.writeHead(url?.endsWith('.pem') ? 200 : status).end(KEYS.publicKey);
  };

  it('is confirmed if requests to SNS are allowed', async () => {
    const to = await startWith('fetch');
    sns.respond = respondWith(500);
    expect((await post(to, confirmation())).status).toBe(503);
    sns.respond = respondWith(200);
    const { status, text } = await post(to, confirmation());
    expect([status, text]).toEqual([200, '']);
    expect(sns.requested).toEqual([CERTIFICATE_URL, CONFIRMATION_URL, CONFIRMATION_URL]);
    expect((await to.request('/v1/quarantine')).json.items).toEqual([]);
  });

  it('is not confirmed for somebody else, or at another place', async () => {
    const to = await startWith('fetch');
    sns.respond = respondWith(200);
    expect((await post(to, confirmation({ TopicArn: `${TOPIC}2` }))).status).toBe(401);
    expect((await post(to, confirmation().replace('Token=', 'Token=0'))).status).toBe(401);
    expect((await post(to, confirmation({ SubscribeURL: 'http://169.254.169.254/?Token=1' }))).status).toBe(202);
    expect((await post(to, confirmation({ Type: 'UnsubscribeConfirmation' }))).status).toBe(204);
    expect(sns.requested).toEqual([CERTIFICATE_URL]);
  });

  it('is otherwise left to an operator, who finds the token in the quarantine and nowhere else', async () => {
    const to = await startWith(KEYS.publicKey);
    const message = confirmation();
    expect((await post(to, message)).status).toBe(202);
    await eventually(async () => {
      const { items } = (await to.request('/v1/quarantine?reason=unknown-event')).json;
      expect(items).toHaveLength(1);
      const { json } = await to.request(`/v1/quarantine/${items[0].id}`);
      expect(json.body).toBe(message);
    });
    expect(sns.requested).toEqual([]);
    const log = JSON.stringify(to.logged);
    expect(log).toContain('SubscriptionConfirmation');
    expect(log).not.toContain('2336412f37fb687f5d51e6e2425e');
  });

  it('with raw message delivery is refused, and the log says why', async () => {
    const to = await startWith(KEYS.publicKey);
    const raw = event('chime:AttendeeJoined', 'ann');
    const { status, json } = await post(to, raw, { 'x-amz-sns-rawdelivery': 'true' });
    expect([status, json.detail]).toEqual([401, expect.stringContaining('turn off raw message delivery')]);
    expect(to.logged).toContainEqual(
      expect.objectContaining({ reason: 'no-credentials', detail: expect.stringContaining('raw message delivery') }),
    );
  });
});

describe('the end of a meeting', () => {
  it('ends everybody who has joined it', async () => {
    const to = await startWith(KEYS.publicKey);
    for (const id of ['ann', 'bob']) expect((await post(to, joined(id))).status).toBe(204);
    const ended = signed({ Type: 'Notification', Message: event('chime:MeetingEnded', '') });
    expect((await post(to, ended)).status).toBe(202);
    await eventually(async () => {
      for (const id of ['ann', 'bob']) {
        expect(await participant(to, id)).toMatchObject({ state: 'gone', cause: 'left' });
      }
    });
  });
});
