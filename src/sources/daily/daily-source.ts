// Translates Daily's webhooks.
// Sources: https://docs.daily.co/reference/rest-api/webhooks/events/participant-joined and …/participant-left.
import { identifierFault } from '../../domain/identifier.js';
import type { DeviceId } from '../../domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../domain/subject.js';
import { reasonlessEnd } from '../dialect-settings.js';
import { fieldErrors, isAbsent, isJsonObject, membersOf, NOT_AN_OBJECT } from '../json-callback.js';
import { dialectWithSettings, type ProviderEvent, type Translation } from '../source.js';
import { authenticateDaily, hmacSecrets, isTestRequest } from './daily-authentication.js';
import { DailyCallback } from './daily-callback.js';

const IGNORED_TYPES = /^(?:meeting|waiting-participant)\.[\w-]+$/;

export const daily = dialectWithSettings({
  title: 'Daily',
  payload: DailyCallback,
  contentTypes: ['application/json'],
  policy: {
    // Each join has its own session_id.
    socketsPerDevice: 'one',
    maxConnectionMs: 24 * 3_600_000,
  },
  settings: { hmacSecrets, reasonlessEnd },
  // Daily takes other statuses for failures, and by default ends the webhook after three of them.
  acknowledgement: { status: 200 },
  create: (source, { hmacSecrets: keys, reasonlessEnd: endKind }) => ({
    authenticate: (callback, nowMs) => authenticateDaily(keys, callback, nowMs),
    handshake: (body) => (isTestRequest(body) ? { status: 200 } : undefined),
    translate: (body, receivedAtMs) => translateDaily({ source, endKind }, body, receivedAtMs),
  }),
});

function translateDaily(
  { source, endKind }: { readonly source: SourceName; readonly endKind: 'disconnected' | 'left' },
  body: unknown,
  receivedAtMs: number,
): Translation {
  if (!isJsonObject(body)) return NOT_AN_OBJECT;
  const { type, id: eventId, payload } = body;
  if (typeof type !== 'string' || type === '') {
    return { outcome: 'invalid', errors: fieldErrors({ type: 'must be a type of event' }) };
  }
  if (IGNORED_TYPES.test(type)) return { outcome: 'ignored' };
  if (type !== 'participant.joined' && type !== 'participant.left') return { outcome: 'unknown', name: type };
  const isJoin = type === 'participant.joined';
  const { room, session_id: deviceId, user_id: userId, joined_at: joinedAt, duration } = membersOf(payload);
  const participantId = isAbsent(userId) ? deviceId : userId;
  const errors = fieldErrors({
    id: identifierFault(eventId),
    'payload/room': identifierFault(room),
    'payload/user_id': participantId === deviceId ? undefined : identifierFault(participantId),
    'payload/session_id': identifierFault(deviceId),
    'payload/joined_at': isTime(joinedAt) ? undefined : 'must be a time in seconds since the epoch',
    'payload/duration': isJoin || isDuration(duration) ? undefined : 'must be a number of seconds',
  });
  if (errors.length > 0) return { outcome: 'invalid', errors };
  const scope = room as string;
  const received: ProviderEvent = {
    subject: { source, scope, participantId: participantId as ParticipantId },
    deviceId: deviceId as DeviceId,
    kind: isJoin ? 'connected' : endKind,
    // The time of the event itself is that of sending.
    occurredAtMs: Math.round((Number(joinedAt) + (isJoin ? 0 : Number(duration))) * 1_000),
    receivedAtMs,
    precisionMs: 1,
    eventId: eventId as string,
    tag: scope,
  };
  return { outcome: 'events', events: [received] };
}

/** The years 1973 to 5138: times in other units are outside. */
function isTime(value: unknown): boolean {
  return typeof value === 'number' && value >= 1e8 && value < 1e11;
}

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value < 1e9;
}
