// Translates the webhooks of JaaS, the hosted Jitsi of 8x8.
// Sources: https://developer.8x8.com/jaas/docs/webhooks-payload and https://developer.8x8.com/jaas/docs/webhooks-events.
import { identifierFault } from '../../domain/identifier.js';
import type { DeviceId } from '../../domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../domain/subject.js';
import { fieldErrors, isAbsent, isJsonObject, membersOf, NOT_AN_OBJECT } from '../json-callback.js';
import { dialectWithSettings, type ProviderEvent, type Translation } from '../source.js';
import { timestampFault } from '../timestamp.js';
import { authenticateJaas, maxAgeMs, signingSecrets } from './jaas-authentication.js';
import { JaasCallback } from './jaas-callback.js';

/** All others of the documented list. A room is destroyed only after everybody has left it. */
const IGNORED_EVENTS =
  /^(?:PARTICIPANT_(?:JOINED|LEFT)_LOBBY|ROLE_CHANGED|(?:ROOM|RECORDING|LIVE_STREAM|SIP_CALL|DIAL_IN|DIAL_OUT|TRANSCRIPTION|CHAT|POLL|DOCUMENT|VIDEO_SEGMENT|RTCSTATS|SETTINGS|SCREEN_SHARING)_\w+|SPEAKER_STATS|(?:AGGREGATED_)?REACTIONS|FEEDBACK|USAGE)$/;

/** Reasons for which a participant does not come back by itself. All others, also those that are not known yet, are losses. */
const LEAVE_REASONS: ReadonlySet<unknown> = new Set(['left', 'kicked']);

export const jaas = dialectWithSettings({
  title: 'JaaS',
  payload: JaasCallback,
  contentTypes: ['application/json'],
  policy: {
    // A client has one connection to a room.
    socketsPerDevice: 'one',
    maxConnectionMs: 24 * 3_600_000,
  },
  settings: { signingSecrets, maxAgeMs },
  create: (source, signatures) => ({
    authenticate: (callback, nowMs) => authenticateJaas(signatures, callback, nowMs),
    translate: (body, receivedAtMs) => translateJaas(source, body, receivedAtMs),
  }),
});

function translateJaas(source: SourceName, body: unknown, receivedAtMs: number): Translation {
  if (!isJsonObject(body)) return NOT_AN_OBJECT;
  const { eventType, idempotencyKey, timestamp, fqn, data } = body;
  if (typeof eventType !== 'string' || eventType === '') {
    return { outcome: 'invalid', errors: fieldErrors({ eventType: 'must be a type of event' }) };
  }
  if (IGNORED_EVENTS.test(eventType)) return { outcome: 'ignored' };
  if (eventType !== 'PARTICIPANT_JOINED' && eventType !== 'PARTICIPANT_LEFT') {
    return { outcome: 'unknown', name: eventType };
  }
  const { id, participantJid: jid, breakoutRoomId, disconnectReason } = membersOf(data);
  const isBreakout = !isAbsent(breakoutRoomId);
  // A main room and its breakout rooms have the same name. A participant who switches leaves one and joins the other, and the two
  // webhooks may arrive in either order.
  const deviceId = isBreakout ? `${String(jid)}#${String(breakoutRoomId)}` : jid;
  const errors = fieldErrors({
    idempotencyKey: identifierFault(idempotencyKey),
    timestamp: timestampFault(timestamp),
    fqn: identifierFault(fqn),
    'data/id': isAbsent(id) ? undefined : identifierFault(id),
    'data/participantJid': identifierFault(jid),
    'data/breakoutRoomId': isBreakout ? (identifierFault(breakoutRoomId) ?? identifierFault(deviceId)) : undefined,
  });
  if (errors.length > 0) return { outcome: 'invalid', errors };
  const scope = fqn as string;
  const received: ProviderEvent = {
    subject: { source, scope, participantId: (isAbsent(id) ? jid : id) as ParticipantId },
    deviceId: deviceId as DeviceId,
    kind: eventType === 'PARTICIPANT_JOINED' ? 'connected' : endOf(disconnectReason),
    occurredAtMs: Number(timestamp),
    receivedAtMs,
    precisionMs: 1,
    eventId: idempotencyKey as string,
    tag: scope,
  };
  return { outcome: 'events', events: [received] };
}

function endOf(reason: unknown): 'disconnected' | 'left' {
  return LEAVE_REASONS.has(reason) ? 'left' : 'disconnected';
}
