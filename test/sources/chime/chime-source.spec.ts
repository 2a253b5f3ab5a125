// The authenticity and the meaning of the messages of SNS about Amazon Chime SDK meetings, by recorded cases. What is fetched from SNS
// is in test/e2e/chime.spec.ts.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SourceName } from '../../../src/domain/subject.js';
import { MAX_JSON_VALUES } from '../../../src/http/json-body.js';
import { chimeEventBridge } from '../../../src/sources/chime/chime-eventbridge-source.js';
import { chime } from '../../../src/sources/chime/chime-source.js';
import { certificates, topicArns } from '../../../src/sources/chime/sns-authentication.js';
import { isCertificateUrl, isConfirmationUrl } from '../../../src/sources/chime/sns-message.js';
import { bodyCases, meaningOf, rawCallback, signatureCases } from '../cases.js';

const SOURCE = 'chime' as SourceName;
const RECEIVED_AT_MS = 1_790_000_500_000;
const TOPIC = 'arn:aws:sns:us-east-1:111122223333:chime-events';
const ORIGIN = 'https://sns.us-east-1.amazonaws.com';

const sourceWith = (keys: 'fetch' | readonly KeyObject[], arns: readonly string[] = [TOPIC]) =>
  chime.create(SOURCE, { topicArns: new Set(arns), certificates: keys });
const translate = (body: unknown) => sourceWith([]).translate(body, RECEIVED_AT_MS);

describe('the signature of SNS', () => {
  interface Config {
    readonly topicArns: readonly string[];
    /** By URL. */
    readonly certificates: Readonly<Record<string, string>>;
  }
  const sourceOf = ({ topicArns: arns, certificates: byUrl }: Config) =>
    sourceWith(certificates.read(Object.values(byUrl).join('')), arns);

  it.each(signatureCases<Config>('chime').map((one) => [one.name, one] as const))(
    'of the recorded case: %s',
    async (_, one) => {
      const authentication = await sourceOf(one.config).authenticate?.(rawCallback(one), one.now);
      expect(authentication?.outcome).toBe(one.expect === 'reject' ? 'rejected' : 'authentic');
    },
  );

  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const now = Date.parse('2026-09-21T14:13:22.500Z');
  const notification: Readonly<Record<string, string>> = {
    Type: 'Notification',
    MessageId: 'm-1',
    TopicArn: TOPIC,
    Message: '{}',
    Timestamp: '2026-09-21T14:13:21.900Z',
    SignatureVersion: '2',
    SigningCertURL: `${ORIGIN}/SimpleNotificationService-1.pem`,
  };
  const confirmation = { ...notification, Type: 'SubscriptionConfirmation', Token: 't', SubscribeURL: `${ORIGIN}/?t` };
  /** Signed as SNS documents it. */
  const signed = (message: Readonly<Record<string, string>>): Readonly<Record<string, string>> => {
    const isNotification = message.Type === 'Notification';
    const more = isNotification ? ['Subject', 'Timestamp'] : ['SubscribeURL', 'Timestamp', 'Token'];
    const members = ['Message', 'MessageId', ...more, 'TopicArn', 'Type'].filter((name) => name in message);
    const text = members.map((name) => `${name}\n${message[name]}\n`).join('');
    const hash = message.SignatureVersion === '1' ? 'sha1' : 'sha256';
    return { ...message, Signature: sign(hash, Buffer.from(text), privateKey).toString('base64') };
  };
  const authenticate = (message: unknown, headers: Readonly<Record<string, string>> = {}, nowMs = now) => {
    const body = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
    return sourceWith([publicKey]).authenticate?.({ headers, body, url: undefined }, nowMs);
  };

  it('covers each member that has a meaning', async () => {
    const messages = [
      notification,
      { ...notification, Subject: 'Chime' },
      { ...notification, SignatureVersion: '1' },
      confirmation,
      { ...confirmation, Type: 'UnsubscribeConfirmation' },
    ];
    for (const message of messages) {
      const authentic = signed(message);
      expect(await authenticate(authentic)).toEqual({ outcome: 'authentic' });
      const unsigned = ['SignatureVersion', 'SigningCertURL'];
      for (const name of Object.keys(message).filter((one) => !unsigned.includes(one))) {
        const changed = { ...authentic, [name]: `${authentic[name]}x` };
        expect([name, (await authenticate(changed))?.outcome]).toEqual([name, 'rejected']);
      }
    }
    expect(await authenticate({ ...signed(notification), Subject: null, UnsubscribeURL: 'x' })).toEqual({
      outcome: 'authentic',
    });
  });

  it('is refused for the reason that is logged', async () => {
    const valid = signed(notification);
    const refused: [unknown, string][] = [
      ['', 'malformed-credentials'],
      ['{', 'malformed-credentials'],
      ['[]', 'malformed-credentials'],
      [{ ...valid, Other: Array(MAX_JSON_VALUES).fill(0) }, 'malformed-credentials'],
      [`\ufeff${JSON.stringify(valid)}`, 'malformed-credentials'],
      [{}, 'no-credentials'],
      [notification, 'no-credentials'],
      [{ ...valid, Signature: '' }, 'wrong-signature'],
      [{ ...valid, Signature: 7 }, 'malformed-credentials'],
      [{ ...valid, Message: { a: 1 } }, 'malformed-credentials'],
      [{ ...valid, Subject: ['x'] }, 'malformed-credentials'],
      [{ ...valid, Type: 'Other' }, 'malformed-credentials'],
      [{ ...valid, Type: ['Notification'] }, 'malformed-credentials'],
      [{ ...valid, SignatureVersion: 2 }, 'malformed-credentials'],
      [{ ...valid, SignatureVersion: '3' }, 'malformed-credentials'],
      [{ ...valid, SignatureVersion: '1' }, 'wrong-signature'],
      [{ ...valid, SigningCertURL: 'https://example.com/x.pem' }, 'malformed-credentials'],
      [signed({ ...notification, TopicArn: `${TOPIC}-2` }), 'unknown-topic'],
      [signed({ ...notification, Timestamp: 'now' }), 'outdated-signature'],
      [{ ...valid, Message: '[]' }, 'wrong-signature'],
    ];
    for (const [message, reason] of refused) {
      expect([message, await authenticate(message)]).toEqual([message, { outcome: 'rejected', reason }]);
    }
  });

  it('says what is wrong if the messages are delivered raw', async () => {
    expect(await authenticate({ version: '0' }, { 'x-amz-sns-rawdelivery': 'true' })).toEqual({
      outcome: 'rejected',
      reason: 'no-credentials',
      detail: 'The message has no signature: turn off raw message delivery for the subscription.',
    });
  });

  it('may be 2 h old and 5 min ahead', async () => {
    const publishedMs = Date.parse('2026-09-21T14:13:21.900Z');
    for (const [ageMs, outcome] of [
      [7_200_000, 'authentic'],
      [7_200_001, 'rejected'],
      [-300_000, 'authentic'],
      [-300_001, 'rejected'],
    ] as const) {
      const authentication = await authenticate(signed(notification), {}, publishedMs + ageMs);
      expect([ageMs, authentication?.outcome]).toEqual([ageMs, outcome]);
    }
  });

  it('never makes the source fail, whatever the body contains', async () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom(...Object.values(signed(notification))));
    const names = fc.constantFrom(...Object.keys(signed(confirmation)));
    await fc.assert(
      fc.asyncProperty(fc.dictionary(names, value), fc.boolean(), async (members, isComplete) => {
        const message = isComplete ? { ...signed(notification), ...members } : members;
        expect(['authentic', 'rejected']).toContain((await authenticate(message))?.outcome);
      }),
    );
  });
});

describe('a URL of SNS', () => {
  const china = 'arn:aws-cn:sns:cn-north-1:111122223333:chime';

  it('is at the host of the region of the topic', () => {
    expect(isCertificateUrl(`${ORIGIN}/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem`, TOPIC)).toBe(
      true,
    );
    expect(isCertificateUrl('https://sns.cn-north-1.amazonaws.com.cn/a.pem', china)).toBe(true);
    expect(isConfirmationUrl(`${ORIGIN}/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=2336`, TOPIC)).toBe(true);
  });

  it('is no other', () => {
    const others = [
      'http://sns.us-east-1.amazonaws.com/a.pem',
      'https://sns.us-east-1.amazonaws.com.evil.example/a.pem',
      'https://sns.us-east-1.amazonaws.com@evil.example/a.pem',
      'https://evil.example/?https://sns.us-east-1.amazonaws.com/a.pem',
      'https://sns.eu-west-1.amazonaws.com/a.pem',
      // The bucket `sns` of S3.
      'https://sns.s3-us-west-2.amazonaws.com/a.pem',
      'https://sns.us-east-1.amazonaws.com.cn/a.pem',
      'https://sns.us-east-1.amazonaws.com:8443/a.pem',
      'https://user@sns.us-east-1.amazonaws.com/a.pem',
      'https://SNS.us-east-1.amazonaws.com/a.pem',
      ...['/a.pem?x=1', '/a.pem#x', '/b/a.pem', '/../a.pem', '/%2e%2e/a.pem', '/a.pem\n', '/.pem', '/a.txt', ''].map(
        (path) => ORIGIN + path,
      ),
      `${ORIGIN}//evil.example/a.pem`,
      `${ORIGIN}\\evil.example/a.pem`,
      `${ORIGIN}/${'a'.repeat(129)}.pem`,
      `${ORIGIN}/${'a'.repeat(60_000)}.pem`,
      '',
    ];
    for (const url of others) {
      expect([url, isCertificateUrl(url, TOPIC)]).toEqual([url, false]);
      const confirmation = url.replace(/\/\w+\.pem/, '/confirm?Token=1');
      expect([confirmation, isConfirmationUrl(confirmation, TOPIC)]).toEqual([confirmation, false]);
    }
    expect(isConfirmationUrl(`${ORIGIN}/?${'a'.repeat(2_049)}`, TOPIC)).toBe(false);
    expect(isCertificateUrl(`${ORIGIN}/a.pem`, 'arn:aws:s3:::sns')).toBe(false);
  });

  it('has a host that the parser of URLs agrees about', () => {
    const parts = ['/', '?', '#', '@', ':', '\\', '.', '..', 'a', '%2f', '//evil.example', 'Token=1', '\n', ' '];
    const middle = fc.array(fc.constantFrom(...parts), { maxLength: 3 }).map((all) => all.join(''));
    const url = fc
      .tuple(fc.constantFrom('', '/', '/?', '/a'), middle, fc.constantFrom('', '.pem'))
      .map((all) => ORIGIN + all.join(''));
    let accepted = 0;
    fc.assert(
      fc.property(url, (one) => {
        if (!isCertificateUrl(one, TOPIC) && !isConfirmationUrl(one, TOPIC)) return;
        accepted += 1;
        const { protocol, host, username } = new URL(one);
        expect([protocol, host, username]).toEqual(['https:', 'sns.us-east-1.amazonaws.com', '']);
      }),
      { numRuns: 1_000 },
    );
    expect(accepted).toBeGreaterThan(10);
  });
});

describe('the settings of Chime', () => {
  it('are ARNs of topics', () => {
    const others = 'arn:aws-cn:sns:cn-north-1:111122223333:a,arn:aws-us-gov:sns:us-gov-west-1:111122223333:b_c-D';
    expect(topicArns.read(`${TOPIC} , ${others}`)).toEqual(new Set([TOPIC, ...others.split(',')]));
    for (const text of ['', `${TOPIC},`, `${TOPIC},hunter2`, `${TOPIC}.fifo`, `${TOPIC}:0a1b`, 'arn:aws:sns:*:1:x']) {
      expect(() => topicArns.read(text)).toThrow(
        /^must be a comma-separated list of ARNs of topics, like arn:aws:sns:us-east-1:111122223333:chime$/,
      );
    }
  });

  it('are certificates, or the permission to fetch them', () => {
    expect(certificates.read('fetch')).toBe('fetch');
    for (const text of ['', 'on', 'FETCH', `${ORIGIN}/a.pem`]) {
      expect(() => certificates.read(text)).toThrow(
        /^must be fetch, or certificates with RSA keys of at least 2048 bits in PEM$/,
      );
    }
  });
});

describe('a message of SNS', () => {
  it.each(bodyCases('chime/messages').map((one) => [one.name, one] as const))(
    'in the recorded case: %s',
    async (_, one) => {
      const { outcome, events } = one.expect;
      const message = JSON.parse(one.rawBody) as unknown;
      if (outcome === 'handshake') {
        // It is not confirmed without permission, but left to an operator.
        expect(await sourceWith([]).handshake?.(message)).toBeUndefined();
        expect(translate(message)).toEqual({ outcome: 'unknown', name: 'SubscriptionConfirmation' });
        return;
      }
      expect(meaningOf(one.rawBody, translate)).toEqual(events ? { outcome, events } : { outcome });
    },
  );

  it('has the meaning of the event in it', () => {
    const event = { 'detail-type': 'Chime Meeting State Change', detail: { eventType: 'chime:AttendeeDanced' } };
    const message = (Message: unknown) => translate({ Type: 'Notification', Message });
    expect(message(JSON.stringify(event))).toEqual({ outcome: 'unknown', name: 'chime:AttendeeDanced' });
    expect(translate({ Type: 'UnsubscribeConfirmation', Message: JSON.stringify(event) })).toEqual({
      outcome: 'ignored',
    });
    const pointersOf = (translation: ReturnType<typeof translate>) =>
      translation.outcome === 'invalid' && translation.errors.map(({ pointer }) => pointer);
    expect(pointersOf(message('{"detail-type":7}'))).toEqual(['#/Message/detail-type']);
    expect(pointersOf(message('"x"'))).toEqual(['#/Message']);
    for (const text of ['{', '', undefined, event, 7]) expect(pointersOf(message(text))).toEqual(['#/Message']);
    expect(pointersOf(translate([]))).toEqual(['#']);
  });
});

describe('an event of Chime', () => {
  const source = chimeEventBridge.create(SOURCE, {});
  const meaning = (body: unknown) => source.translate(body, RECEIVED_AT_MS);

  it.each(bodyCases('chime/events').map((one) => [one.name, one] as const))('in the recorded case: %s', (_, one) => {
    const { outcome, events } = one.expect;
    expect(meaningOf(one.rawBody, meaning)).toEqual(events ? { outcome, events } : { outcome });
    const eventId = '12345678-1234-1234-1234-111122223333';
    if (events) expect(meaning(JSON.parse(one.rawBody))).toMatchObject({ events: [{ eventId }] });
  });

  const event = (eventType: string, detail: object = {}, more: object = {}) => ({
    id: 'e-1',
    source: 'aws.chime',
    'detail-type': 'Chime Meeting State Change',
    time: '2026-09-21T14:13:21Z',
    detail: {
      eventType,
      timestamp: 1_790_000_001_234,
      meetingId: 'm-1',
      externalMeetingId: 'r-42',
      attendeeId: 'a-1',
      externalUserId: 'alice',
      ...detail,
    },
    ...more,
  });

  it('means what the dialect says of each', () => {
    const events = chimeEventBridge.events ?? new Map();
    expect(events.size).toBe(15);
    expect(chime.events).toBe(events);
    for (const [name, expected] of events) {
      const translation = meaning(event(name));
      const found = translation.outcome === 'events' ? translation.events[0]?.kind : translation.outcome;
      expect([name, found]).toEqual([name, expected]);
    }
    expect(meaning(event('chime:AttendeeJoined', {}, { 'detail-type': 'Chime Media Pipeline State Change' }))).toEqual({
      outcome: 'ignored',
    });
  });

  it('is of the meeting, if that has no external id', () => {
    for (const externalMeetingId of [undefined, null, '']) {
      const subject = { source: SOURCE, scope: 'm-1', participantId: 'alice' };
      expect(meaning(event('chime:AttendeeJoined', { externalMeetingId }))).toMatchObject({
        events: [{ subject, tag: 'm-1', deviceId: 'a-1' }],
      });
      expect(meaning(event('chime:MeetingEnded', { externalMeetingId }))).toMatchObject({ events: [{ scope: 'm-1' }] });
    }
  });

  it('is dated in milliseconds or seconds', () => {
    const times: [number | undefined, number, number][] = [
      [1_790_000_001_234, 1_790_000_001_234, 1],
      [1_790_000_001, 1_790_000_001_000, 1_000],
      [1_790_000_001.234, 1_790_000_001_234, 1],
      [99_999_999_999, 99_999_999_999_000, 1_000],
      [100_000_000_000, 100_000_000_000, 1],
      [undefined, 1_790_000_001_000, 1_000],
    ];
    for (const [timestamp, occurredAtMs, precisionMs] of times) {
      expect(meaning(event('chime:AttendeeLeft', { timestamp }))).toMatchObject({
        events: [{ occurredAtMs, precisionMs }],
      });
    }
  });

  it('is authenticated by the header that is set, or else by the URL', async () => {
    expect(source).not.toHaveProperty('authenticate');
    const secret = 'a-secret-of-32-characters-or-more';
    const callbackHeader = chimeEventBridge.settings?.callbackHeader?.read(`X-Api-Key: ${secret}`);
    const withHeader = chimeEventBridge.create(SOURCE, { callbackHeader });
    const outcomeOf = async (headers: Readonly<Record<string, string>>) =>
      (await withHeader.authenticate?.({ headers, body: Buffer.alloc(0), url: undefined }, 0))?.outcome;
    expect(await outcomeOf({ 'x-api-key': secret })).toBe('authentic');
    expect(await outcomeOf({ 'x-api-key': `${secret}x` })).toBe('rejected');
    expect(await outcomeOf({})).toBe('rejected');
  });

  it('need not have an id', () => {
    for (const id of [undefined, null, '']) {
      const translation = meaning(event('chime:AttendeeLeft', {}, { id }));
      expect(translation.outcome === 'events' && translation.events[0]).not.toHaveProperty('eventId');
    }
  });

  it.each<[unknown, string[]]>([
    [null, ['#']],
    [{}, ['#/detail-type']],
    [event('chime:AttendeeLeft', {}, { 'detail-type': ['Chime Meeting State Change'] }), ['#/detail-type']],
    [event('chime:AttendeeLeft', {}, { detail: 'x' }), ['#/detail/eventType']],
    [event(''), ['#/detail/eventType']],
    [event('chime:AttendeeLeft', { eventType: ['chime:AttendeeLeft'] }), ['#/detail/eventType']],
    [event('chime:AttendeeLeft', { timestamp: '1790000001234' }), ['#/detail/timestamp']],
    [event('chime:AttendeeLeft', { timestamp: 1e14 }), ['#/detail/timestamp']],
    [event('chime:AttendeeLeft', { timestamp: 12_345 }), ['#/detail/timestamp']],
    [event('chime:AttendeeLeft', { timestamp: undefined }, { time: 'yesterday' }), ['#/time']],
    [event('chime:AttendeeLeft', { externalMeetingId: 7 }), ['#/detail/externalMeetingId']],
    [event('chime:MeetingEnded', { externalMeetingId: '', meetingId: '' }), ['#/detail/meetingId']],
    [
      event('chime:AttendeeLeft', { attendeeId: '', externalUserId: ['alice'] }),
      ['#/detail/attendeeId', '#/detail/externalUserId'],
    ],
    [event('chime:AttendeeLeft', {}, { id: 7 }), ['#/id']],
  ])('is refused if its members are not valid: %j', (value, pointers) => {
    const translation = meaning(value);
    expect(translation.outcome === 'invalid' && translation.errors.map(({ pointer }) => pointer)).toEqual(pointers);
  });
});
