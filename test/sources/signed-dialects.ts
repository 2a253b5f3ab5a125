// The dialects whose callbacks are signed, with what makes a callback of each: their official SDKs.
import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { WebhookEvent } from '@livekit/protocol';
import { CloudEvent, HTTP } from 'cloudevents';
import { SignJWT } from 'jose';
import { AccessToken } from 'livekit-server-sdk';
import { Webhook } from 'standardwebhooks';
import { getExpectedTwilioSignature } from 'twilio/lib/webhooks/webhooks.js';

export const PUBLIC_URL = 'https://rollcall.example.com';

export interface SignedDialect {
  readonly name: string;
  readonly contentType: string;
  /** The settings of a source, as in the environment, without `SOURCE_<NAME>_`; different for each number. */
  readonly settings: (number: 1 | 2) => Readonly<Record<string, string>>;
  /** The headers of a body that is signed now for the source with these settings. `path`: of the URL, if the signature covers it. */
  readonly sign: (body: string | Buffer, number?: 1 | 2, path?: string) => Promise<Readonly<Record<string, string>>>;
  /** The signature has no time, so it does not expire. */
  readonly isUndated?: true;
  /** What is sent instead, if the body and what `sign` returns are in an envelope. */
  readonly envelope?: (body: string, headers: Readonly<Record<string, string>>) => string;
  /** Participants are in the scope `room`. */
  readonly connect: (participantId: string) => string;
  readonly leave: (participantId: string) => string;
  /** Of a kind that is not known. */
  readonly unknown: () => string;
  /** The status of each callback that is accepted. Default: 204, or 202 if it is not known. */
  readonly acknowledgement?: number;
  /** Further settings. */
  readonly options?: Readonly<Record<string, string>>;
  readonly ignored: () => string;
  /** Signed as they are, and not valid. */
  readonly lies: readonly string[];
}

/** Public keys as the settings have them. */
const RSA_KEYS = { 1: rsaKeys(), 2: rsaKeys() } as const;

function rsaKeys() {
  return generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

const livekit: SignedDialect = {
  name: 'livekit',
  contentType: 'application/webhook+json',
  settings: (number) => ({ API_KEYS: `APIkey:secret-of-source-${number}` }),
  async sign(body, number = 1) {
    const token = new AccessToken('APIkey', `secret-of-source-${number}`, { ttl: 300 });
    token.sha256 = createHash('sha256').update(body).digest('base64');
    return { authorization: await token.toJwt() };
  },
  connect: (participantId) => livekitBody('participant_joined', participantId),
  leave: (participantId) => livekitBody('participant_left', participantId),
  unknown: () => livekitBody('participant_teleported', 'ann'),
  ignored: () => livekitBody('track_published', 'ann'),
  lies: [
    livekitBody('participant_joined', 'ann').replace('"ann"', '["ann"]'),
    livekitBody('participant_joined', 'ann').replace('"ann"', '7'),
    livekitBody('participant_joined', '').replace(/"createdAt":"\d+"/, '"createdAt":{}'),
    livekitBody('participant_joined', 'ann').replace('"participant_joined"', '1'),
  ],
};

function livekitBody(event: string, identity: string): string {
  const joinedMs = Date.now();
  const body = new WebhookEvent({
    event,
    id: `EV_${event}_${identity}`,
    createdAt: BigInt(Math.floor(joinedMs / 1_000)),
    room: { sid: 'RM_1', name: 'room' },
    participant: {
      sid: `PA_${identity}`,
      identity,
      joinedAtMs: BigInt(joinedMs),
      disconnectReason: event === 'participant_left' ? 1 : 0,
    },
  });
  return body.toJsonString();
}

const generic: SignedDialect = {
  name: 'generic',
  contentType: 'application/cloudevents+json',
  settings: (number) => ({ SIGNING_SECRETS: secretOf(number) }),
  async sign(body, number = 1) {
    const now = new Date();
    return {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
      'webhook-signature': new Webhook(secretOf(number)).sign('msg_1', now, String(body)),
    };
  },
  connect: (participantId) => cloudEvent('rollcall.device.connected', participantId),
  leave: (participantId) => cloudEvent('rollcall.device.left', participantId),
  unknown: () => cloudEvent('rollcall.device.danced', 'ann'),
  ignored: () => cloudEvent('com.example.other', 'ann'),
  lies: [
    cloudEvent('rollcall.device.connected', 'ann').replace('"ann"', '["ann"]'),
    cloudEvent('rollcall.device.connected', 'ann').replace('"ann"', '7'),
    cloudEvent('rollcall.device.connected', 'ann').replace(/"time":"[^"]+"/, '"time":1790000001437'),
    `[${cloudEvent('rollcall.device.connected', 'ann')},7]`,
  ],
};

const secretOf = (number: 1 | 2) => `whsec_${Buffer.from(`the-secret-of-the-source-${number}`).toString('base64')}`;

function cloudEvent(type: string, participantId: string): string {
  const event = new CloudEvent({
    type,
    source: '/feeds/test',
    time: new Date().toISOString(),
    data: { participantId, deviceId: `conn-${participantId}`, scope: 'room', tag: 'room' },
  });
  return String(HTTP.structured(event).body);
}

/** There is no free library that signs as Zoom does. */
const zoom: SignedDialect = {
  name: 'zoom',
  contentType: 'application/json',
  settings: (number) => ({ SECRET_TOKENS: tokenOf(number) }),
  async sign(body, number = 1) {
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const signature = createHmac('sha256', tokenOf(number)).update(`v0:${timestamp}:`).update(body).digest('hex');
    return { 'x-zm-request-timestamp': timestamp, 'x-zm-signature': `v0=${signature}` };
  },
  connect: (participantId) => zoomBody('session.user_joined', participantId),
  leave: (participantId) => zoomBody('session.user_left', participantId),
  unknown: () => zoomBody('session.user_teleported', 'ann'),
  acknowledgement: 204,
  ignored: () => zoomBody('session.started', 'ann'),
  lies: [
    zoomBody('session.user_joined', 'ann').replace('"ann"', '["ann"]'),
    zoomBody('session.user_joined', 'ann').replace(/"event_ts":\d+/, '"event_ts":"now"'),
    zoomBody('endpoint.url_validation', 'ann'),
  ],
};

const tokenOf = (number: 1 | 2) => `secret-token-of-source-${number}`;

function zoomBody(event: string, participantId: string): string {
  const user = {
    user_key: participantId,
    participant_uuid: `uuid-${participantId}`,
    leave_reason: 'left the session.',
  };
  return JSON.stringify({ event, event_ts: Date.now(), payload: { object: { session_name: 'room', user } } });
}

const daily: SignedDialect = {
  name: 'daily',
  contentType: 'application/json',
  settings: (number) => ({ HMAC_SECRETS: hmacOf(number).toString('base64') }),
  options: { REASONLESS_END: 'left' },
  acknowledgement: 200,
  async sign(body, number = 1) {
    const timestamp = String(Date.now());
    const signature = createHmac('sha256', hmacOf(number)).update(`${timestamp}.`).update(body).digest('base64');
    return { 'x-webhook-timestamp': timestamp, 'x-webhook-signature': signature };
  },
  connect: (participantId) => dailyBody('participant.joined', participantId),
  leave: (participantId) => dailyBody('participant.left', participantId),
  unknown: () => dailyBody('participant.teleported', 'ann'),
  ignored: () => dailyBody('meeting.started', 'ann'),
  lies: [
    dailyBody('participant.joined', 'ann').replace('"ann"', '["ann"]'),
    dailyBody('participant.joined', 'ann').replace(/"joined_at":[\d.]+/, '"joined_at":"now"'),
    dailyBody('participant.left', 'ann').replace('"duration":0', '"duration":null'),
  ],
};

const hmacOf = (number: 1 | 2) => Buffer.from(`the-hmac-of-source-${number}`);

function dailyBody(type: string, participantId: string): string {
  const session = { session_id: `session-${participantId}`, joined_at: Date.now() / 1_000, duration: 0 };
  return JSON.stringify({
    type,
    id: `${type}-${participantId}`,
    payload: { room: 'room', user_id: participantId, ...session },
  });
}

const jaas: SignedDialect = {
  name: 'jaas',
  contentType: 'application/json',
  settings: (number) => ({ SIGNING_SECRETS: jaasSecretOf(number) }),
  async sign(body, number = 1) {
    const timestamp = Math.floor(Date.now() / 1_000);
    const signature = createHmac('sha256', jaasSecretOf(number)).update(`${timestamp}.`).update(body).digest('base64');
    return { 'x-jaas-signature': `t=${timestamp},v1=${signature}` };
  },
  connect: (participantId) => jaasBody('PARTICIPANT_JOINED', participantId),
  leave: (participantId) => jaasBody('PARTICIPANT_LEFT', participantId),
  unknown: () => jaasBody('PARTICIPANT_TELEPORTED', 'ann'),
  ignored: () => jaasBody('PARTICIPANT_JOINED_LOBBY', 'ann'),
  lies: [
    jaasBody('PARTICIPANT_JOINED', 'ann').replace('"ann"', '["ann"]'),
    jaasBody('PARTICIPANT_JOINED', 'ann').replace('"ann"', '7'),
    jaasBody('PARTICIPANT_JOINED', 'ann').replace(/"timestamp":\d+/, '"timestamp":"now"'),
    jaasBody('PARTICIPANT_LEFT', 'ann').replace('"fqn":"room"', '"fqn":{"room":1}'),
  ],
};

const jaasSecretOf = (number: 1 | 2) => `whsec_the-secret-of-the-source-${number}`;

function jaasBody(eventType: string, participantId: string): string {
  const participant = { id: participantId, participantJid: `${participantId}@8x8.vc`, disconnectReason: 'left' };
  return JSON.stringify({
    eventType,
    idempotencyKey: `${eventType}-${participantId}`,
    timestamp: Date.now(),
    fqn: 'room',
    data: participant,
  });
}

const agora: SignedDialect = {
  name: 'agora',
  contentType: 'application/json',
  settings: (number) => ({ SIGNING_SECRETS: agoraSecretOf(number) }),
  async sign(body, number = 1) {
    const signature = (algorithm: string) => createHmac(algorithm, agoraSecretOf(number)).update(body).digest('hex');
    return { 'agora-signature': signature('sha1'), 'agora-signature-v2': signature('sha256') };
  },
  connect: (participantId) => agoraBody(103, participantId),
  leave: (participantId) => agoraBody(104, participantId),
  unknown: () => agoraBody(199, 'ann'),
  acknowledgement: 200,
  ignored: () => agoraBody(111, 'ann'),
  isUndated: true,
  lies: [
    agoraBody(103, 'ann').replace('"ann"', '["ann"]'),
    agoraBody(103, 'ann').replace('"ann"', '7'),
    agoraBody(103, 'ann').replace(/"ts":\d+/, '"ts":"now"'),
    agoraBody(104, 'ann').replace('"productId":1', '"productId":"1"'),
  ],
};

const agoraSecretOf = (number: 1 | 2) => `secret-of-source-${number}`;

function agoraBody(eventType: number, account: string): string {
  const now = Date.now();
  const ts = Math.floor(now / 1_000);
  const user = { channelName: 'room', uid: 7, account, ts, clientSeq: now, platform: 7, reason: 1 };
  return JSON.stringify({ noticeId: `${eventType}-${account}`, productId: 1, eventType, notifyMs: now, payload: user });
}

const twilio: SignedDialect = {
  name: 'twilio',
  contentType: 'application/x-www-form-urlencoded',
  settings: (number) => ({ AUTH_TOKENS: authTokenOf(number) }),
  options: { REASONLESS_END: 'left' },
  isUndated: true,
  async sign(body, number = 1, path = '/callbacks/first') {
    const form = new URLSearchParams(String(body));
    const fields = Object.fromEntries([...form.keys()].map((name) => [name, [...form.getAll(name)]]));
    return { 'x-twilio-signature': getExpectedTwilioSignature(authTokenOf(number), PUBLIC_URL + path, fields) };
  },
  connect: (participantId) => twilioBody('participant-connected', participantId),
  leave: (participantId) => twilioBody('participant-disconnected', participantId),
  unknown: () => twilioBody('participant-teleported', 'ann'),
  ignored: () => twilioBody('track-added', 'ann'),
  lies: [
    twilioBody('participant-connected', ''),
    twilioBody('participant-connected', 'a'.repeat(257)),
    twilioBody('participant-connected', 'ann').replace(/Timestamp=[^&]+/, 'Timestamp=1790000001437'),
    twilioBody('participant-connected', 'ann').replace('RoomName=', 'RoomNames='),
    twilioBody('', 'ann'),
  ],
};

const authTokenOf = (number: 1 | 2) => `0123456789abcdef0123456789abcde${number}`;

function twilioBody(event: string, participantId: string): string {
  return new URLSearchParams({
    RoomStatus: 'in-progress',
    RoomName: 'room',
    ParticipantIdentity: participantId,
    ParticipantSid: `PA${participantId}`,
    StatusCallbackEvent: event,
    Timestamp: new Date().toISOString(),
    AccountSid: 'AC00000000000000000000000000000001',
  }).toString();
}

/** There is no library that signs as RealtimeKit does. */
const realtimekit: SignedDialect = {
  name: 'realtimekit',
  contentType: 'application/json',
  settings: (number) => ({ PUBLIC_KEYS: RSA_KEYS[number].publicKey }),
  options: { REASONLESS_END: 'left' },
  isUndated: true,
  async sign(body, number = 1) {
    const signature = sign('sha256', Buffer.from(body), RSA_KEYS[number].privateKey);
    return { 'rtk-signature': signature.toString('base64') };
  },
  connect: (participantId) => realtimekitBody('meeting.participantJoined', participantId),
  leave: (participantId) => realtimekitBody('meeting.participantLeft', participantId),
  unknown: () => realtimekitBody('meeting.participantTeleported', 'ann'),
  ignored: () => realtimekitBody('meeting.started', 'ann'),
  lies: [
    realtimekitBody('meeting.participantJoined', 'ann').replace('"ann"', '["ann"]'),
    realtimekitBody('meeting.participantJoined', 'ann').replace(/"joinedAt":"[^"]+"/, '"joinedAt":1790000001437'),
    realtimekitBody('meeting.ended', 'ann').replace('"room"', '{"room":"room"}'),
  ],
};

function realtimekitBody(event: string, customParticipantId: string): string {
  const now = new Date();
  const participant = { customParticipantId, peerId: `peer-${customParticipantId}`, joinedAt: now, leftAt: now };
  return JSON.stringify({ event, meeting: { id: 'room', endedAt: now }, participant });
}

/** SNS, with keys instead of certificates. Its library only verifies messages. */
const chime: SignedDialect = {
  name: 'chime',
  contentType: 'text/plain',
  settings: (number) => ({ TOPIC_ARNS: snsMessage('').TopicArn, CERTIFICATES: RSA_KEYS[number].publicKey }),
  async sign(body, number = 1) {
    const timestamp = String(Date.now());
    const { Message, MessageId, Timestamp, TopicArn, Type } = snsMessage(String(body), timestamp);
    const members = Object.entries({ Message, MessageId, Timestamp, TopicArn, Type });
    const text = members.map(([name, value]) => `${name}\n${value}\n`).join('');
    return { timestamp, signature: sign('sha256', Buffer.from(text), RSA_KEYS[number].privateKey).toString('base64') };
  },
  envelope: (body, { timestamp, signature }) => {
    return JSON.stringify({ ...snsMessage(body, timestamp), Signature: signature });
  },
  connect: (participantId) => chimeEvent('chime:AttendeeJoined', participantId),
  leave: (participantId) => chimeEvent('chime:AttendeeLeft', participantId),
  unknown: () => chimeEvent('chime:AttendeeTeleported', 'ann'),
  ignored: () => chimeEvent('chime:MeetingStarted', 'ann'),
  lies: [
    chimeEvent('chime:AttendeeJoined', 'ann').replace('"ann"', '["ann"]'),
    chimeEvent('chime:AttendeeJoined', 'ann').replace(/"timestamp":\d+/, '"timestamp":"now"'),
    chimeEvent('chime:MeetingEnded', 'ann').replace('"room"', '7'),
  ],
};

/** `timestampMs`: in headers. */
function snsMessage(Message: string, timestampMs = '') {
  const time = new Date(Number(timestampMs));
  return {
    Type: 'Notification',
    MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
    TopicArn: 'arn:aws:sns:us-east-1:111122223333:chime',
    Message,
    Timestamp: Number.isNaN(time.getTime()) ? '' : time.toISOString(),
    SignatureVersion: '2',
    SigningCertURL: 'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem',
    UnsubscribeURL: 'https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe',
  };
}

function chimeEvent(eventType: string, externalUserId: string): string {
  const attendee = { externalUserId, attendeeId: `attendee-${externalUserId}`, externalMeetingId: 'room' };
  return JSON.stringify({
    id: `${eventType}-${externalUserId}`,
    source: 'aws.chime',
    'detail-type': 'Chime Meeting State Change',
    detail: { eventType, timestamp: Date.now(), ...attendee },
  });
}

/** Vonage's library verifies, but does not sign. */
const vonage: SignedDialect = {
  name: 'vonage',
  contentType: 'application/json',
  settings: (number) => ({ SIGNATURE_SECRETS: signatureSecretOf(number) }),
  options: { MAX_SIGNATURE_AGE_MS: '300000' },
  async sign(body, number = 1) {
    const claims = { iss: 'Vonage', payload_hash: createHash('sha256').update(body).digest('hex') };
    const token = new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).setIssuedAt();
    return { authorization: `Bearer ${await token.sign(Buffer.from(signatureSecretOf(number)))}` };
  },
  connect: (participantId) => vonageBody('connectionCreated', participantId),
  leave: (participantId) => vonageBody('connectionDestroyed', participantId),
  unknown: () => vonageBody('connectionTeleported', 'ann'),
  ignored: () => vonageBody('streamCreated', 'ann'),
  lies: [
    vonageBody('connectionCreated', 'ann').replace('"data":"ann"', '"data":["ann"]'),
    vonageBody('connectionCreated', 'ann').replace('"data":"ann"', '"data":7'),
    vonageBody('connectionCreated', 'a'.repeat(257)),
    vonageBody('connectionCreated', 'ann').replace(/"createdAt":\d+/, '"createdAt":"now"'),
    vonageBody('connectionDestroyed', 'ann').replace(/"timestamp":\d+/, '"timestamp":1790000001'),
  ],
};

const signatureSecretOf = (number: 1 | 2) => `signature-secret-of-source-${number}`;

function vonageBody(event: string, participantId: string): string {
  const timestamp = Date.now();
  const connection = { id: `conn-${participantId}`, createdAt: timestamp, data: participantId };
  return JSON.stringify({ sessionId: 'room', event, timestamp, reason: 'clientDisconnected', connection });
}

export const SIGNED_DIALECTS: readonly SignedDialect[] = [
  livekit,
  generic,
  zoom,
  daily,
  jaas,
  agora,
  twilio,
  vonage,
  realtimekit,
  chime,
];

/** What is sent of a body: that itself, or its envelope. */
export function sentBody({ envelope }: SignedDialect, body: string, headers: Readonly<Record<string, string>>): string {
  return envelope ? envelope(body, headers) : body;
}

/** As the environment has them, of sources with these names. */
export function environmentOf(
  dialect: SignedDialect,
  numbers: Readonly<Record<string, 1 | 2>>,
): Readonly<Record<string, string>> {
  const ofSources = Object.entries(numbers).flatMap(([source, number]) =>
    Object.entries({ ...dialect.settings(number), ...dialect.options }).map(([name, value]) => {
      return [`SOURCE_${source.toUpperCase().replaceAll('-', '_')}_${name}`, value];
    }),
  );
  const sources = Object.keys(numbers).map((source) => `${source}=${dialect.name}`);
  return { SOURCES: sources.join(','), PUBLIC_URL, ...Object.fromEntries(ofSources) };
}
