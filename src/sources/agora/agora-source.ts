// Translates the notifications of Agora about RTC channels.
// Source: https://docs.agora.io/en/api-reference/api-ref/rtc/channel-event-types.
import { identifierFault } from '../../domain/identifier.js';
import type { DeviceId, ProviderEventKind } from '../../domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../domain/subject.js';
import { fieldErrors, isAbsent, isJsonObject, type Members, membersOf, NOT_AN_OBJECT } from '../json-callback.js';
import { dialectWithSettings, type ProviderEvent, type Translation } from '../source.js';
import { secondsFault } from '../timestamp.js';
import { authenticateAgora, signingSecrets } from './agora-authentication.js';
import { AgoraCallback } from './agora-callback.js';

const RTC = 1;

/** Hosts, audiences, and users of the communication profile. */
const MEANINGS: ReadonlyMap<unknown, 'join' | 'leave' | 'ignored'> = new Map([
  [101, 'ignored'],
  [102, 'ignored'],
  [103, 'join'],
  [104, 'leave'],
  [105, 'join'],
  [106, 'leave'],
  [107, 'join'],
  [108, 'leave'],
  [111, 'ignored'],
  [112, 'ignored'],
]);

/** The user left, or was removed. After all other reasons, the client may come back by itself. */
const LEAVE_REASONS: ReadonlySet<unknown> = new Set([1, 3]);
/** The user joined again with another client, which has the same uid and stays. */
const REPLACED = 5;

const LINUX = 6;
/** Recorders on the customer's servers and in Agora's cloud. */
const RECORDERS: ReadonlySet<unknown> = new Set([3, 10]);

const MAX_UID = 2 ** 32 - 1;

export const agora = dialectWithSettings({
  title: 'Agora',
  payload: AgoraCallback,
  contentTypes: ['application/json'],
  policy: {
    // A uid is in a channel once.
    socketsPerDevice: 'one',
    maxConnectionMs: 24 * 3_600_000,
  },
  settings: { signingSecrets },
  // Agora takes other statuses, and bodies that are not JSON, for failures.
  acknowledgement: { status: 200, body: {} },
  create: (source, { signingSecrets: secrets }) => ({
    authenticate: (callback) => authenticateAgora(secrets, callback),
    handshake: (body) => (isHealthCheck(body) ? { status: 200, body: {} } : undefined),
    translate: (body, receivedAtMs) => translateAgora(source, body, receivedAtMs),
  }),
});

/** The console of Agora sends events about this user of this channel. */
function isHealthCheck(body: unknown): boolean {
  const { channelName, uid } = membersOf(membersOf(body).payload);
  return channelName === 'test_webhook' && uid === 12_121_212;
}

function translateAgora(source: SourceName, body: unknown, receivedAtMs: number): Translation {
  if (!isJsonObject(body)) return NOT_AN_OBJECT;
  const { noticeId, productId, eventType } = body;
  const unclear = fieldErrors({
    productId: Number.isInteger(productId) ? undefined : 'must be the number of a product',
    eventType: Number.isInteger(eventType) ? undefined : 'must be the number of a type of event',
  });
  if (unclear.length > 0) return { outcome: 'invalid', errors: unclear };
  const meaning = productId === RTC ? MEANINGS.get(eventType) : 'ignored';
  if (meaning === undefined) return { outcome: 'unknown', name: String(eventType) };
  const payload = membersOf(body.payload);
  const kind = kindOf(meaning, payload);
  if (kind === 'ignored') return { outcome: 'ignored' };
  const { channelName, uid, account, ts, clientSeq } = payload;
  const errors = fieldErrors({
    noticeId: identifierFault(noticeId),
    'payload/channelName': identifierFault(channelName),
    'payload/uid': isWhole(uid, 0, MAX_UID) ? undefined : 'must be a user id, which is a 32-bit number',
    'payload/account': isAbsent(account) ? undefined : identifierFault(account),
    'payload/ts': secondsFault(ts),
    'payload/clientSeq':
      isAbsent(clientSeq) || isWhole(clientSeq, 0, Number.MAX_SAFE_INTEGER) ? undefined : 'must be a whole number',
  });
  if (errors.length > 0) return { outcome: 'invalid', errors };
  const scope = channelName as string;
  const received: ProviderEvent = {
    subject: { source, scope, participantId: String(isAbsent(account) ? uid : account) as ParticipantId },
    deviceId: String(uid) as DeviceId,
    kind,
    occurredAtMs: Number(ts) * 1_000,
    receivedAtMs,
    precisionMs: 1_000,
    eventId: noticeId as string,
    ...(!isAbsent(clientSeq) && { sequence: Number(clientSeq) }),
    tag: scope,
  };
  return { outcome: 'events', events: [received] };
}

function kindOf(
  meaning: 'join' | 'leave' | 'ignored',
  { platform, clientType, reason }: Members,
): ProviderEventKind | 'ignored' {
  const isRecorder = platform === LINUX && RECORDERS.has(clientType);
  if (meaning === 'ignored' || isRecorder || (meaning === 'leave' && reason === REPLACED)) return 'ignored';
  if (meaning === 'join') return 'connected';
  return LEAVE_REASONS.has(reason) ? 'left' : 'disconnected';
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && Number(value) >= min && Number(value) <= max;
}
