// Translates the webhooks of 100ms, which signs nothing but can send a secret in a header.
// Sources: https://www.100ms.live/docs/server-side/v2/how-to-guides/configure-webhooks/webhook and …/secure-webhooks.
import { identifierFault } from '../../domain/identifier.js';
import type { DeviceId } from '../../domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../domain/subject.js';
import { authenticateFixedHeader, callbackHeader } from '../authentication/fixed-header.js';
import { fieldErrors, isAbsent, isJsonObject, membersOf, NOT_AN_OBJECT } from '../json-callback.js';
import { dialectWithSettings, type ProviderEvent, type Translation } from '../source.js';
import { rfc3339TimeMs } from '../timestamp.js';
import { HmsCallback } from './hms-callback.js';

/** A session is closed after everybody has left it. */
const IGNORED_TYPES =
  /^(?:peer\.(?:join|leave)\.failure|(?:session|room|role|track|stream|recording|beam|hls|transcription|ingest)\.[\w.]+)$/;

/** Reasons for which a peer does not come back by itself. All others, also those that are not known yet, are losses. */
const LEAVE_REASONS: ReadonlySet<unknown> = new Set(['client request', 'peer kicked']);

export const hms = dialectWithSettings({
  title: '100ms',
  payload: HmsCallback,
  contentTypes: ['application/json'],
  policy: {
    // Each join has its own peer_id.
    socketsPerDevice: 'one',
    // 100ms waits for a minute before it reports a loss, and a client that returns later is a new device.
    graceMs: 0,
    maxConnectionMs: 24 * 3_600_000,
  },
  settings: { callbackHeader },
  // 100ms takes other statuses for failures.
  acknowledgement: { status: 200 },
  create: (source, { callbackHeader: header }) => ({
    ...(header && { authenticate: (callback) => authenticateFixedHeader(header, callback) }),
    translate: (body, receivedAtMs) => translateHms(source, body, receivedAtMs),
  }),
});

function translateHms(source: SourceName, body: unknown, receivedAtMs: number): Translation {
  if (!isJsonObject(body)) return NOT_AN_OBJECT;
  const { type, id: eventId, data } = body;
  if (typeof type !== 'string' || type === '') {
    return { outcome: 'invalid', errors: fieldErrors({ type: 'must be a type of event' }) };
  }
  if (IGNORED_TYPES.test(type)) return { outcome: 'ignored' };
  if (type !== 'peer.join.success' && type !== 'peer.leave.success') return { outcome: 'unknown', name: type };
  const isJoin = type === 'peer.join.success';
  const {
    room_id: room,
    user_id: userId,
    peer_id: peerId,
    joined_at: joinedAt,
    left_at: leftAt,
    reason,
  } = membersOf(data);
  const [joinedMs, leftMs] = [rfc3339TimeMs(joinedAt), isJoin ? 0 : rfc3339TimeMs(leftAt)];
  const noTime = 'must be an RFC 3339 time, like 2026-09-21T14:13:21.437Z';
  const errors = fieldErrors({
    id: identifierFault(eventId),
    'data/room_id': identifierFault(room),
    'data/user_id': isAbsent(userId) ? undefined : identifierFault(userId),
    'data/peer_id': identifierFault(peerId),
    'data/joined_at': joinedMs === undefined ? noTime : undefined,
    'data/left_at': leftMs === undefined ? noTime : undefined,
  });
  if (errors.length > 0 || joinedMs === undefined || leftMs === undefined) return { outcome: 'invalid', errors };
  const scope = room as string;
  const received: ProviderEvent = {
    subject: { source, scope, participantId: (isAbsent(userId) ? peerId : userId) as ParticipantId },
    deviceId: peerId as DeviceId,
    kind: isJoin ? 'connected' : LEAVE_REASONS.has(reason) ? 'left' : 'disconnected',
    // The time of the envelope is that of sending.
    occurredAtMs: Math.max(joinedMs, leftMs),
    receivedAtMs,
    precisionMs: 1,
    eventId: eventId as string,
    tag: scope,
  };
  return { outcome: 'events', events: [received] };
}
