// Translates the callbacks of Vonage's session monitoring.
// Source: https://developer.vonage.com/en/video/guides/session-monitoring.
import { identifierFault } from '../../domain/identifier.js';
import type { DeviceId } from '../../domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../domain/subject.js';
import { fieldErrors, isJsonObject, type Members, membersOf, NOT_AN_OBJECT } from '../json-callback.js';
import { dialectWithSettings, type ProviderEvent, type Translation } from '../source.js';
import { timestampFault } from '../timestamp.js';
import { ownerIn, type ParticipantPointer, participantPointer } from './connection-data.js';
import { authenticateVonage, maxAgeMs, signatureSecrets } from './vonage-authentication.js';
import { VonageCallback } from './vonage-callback.js';

/** A session that is destroyed has no connections any more, and its id may be used again. */
const IGNORED_EVENTS = /^(?:stream|session|call)[A-Z]\w*$/;

/** Reasons for which a participant does not come back by itself. All others, also those that are not known yet, are losses. */
const LEAVE_REASONS: ReadonlySet<unknown> = new Set(['clientDisconnected', 'forceDisconnected']);

export const vonage = dialectWithSettings({
  title: 'Vonage Video',
  payload: VonageCallback,
  contentTypes: ['application/json'],
  policy: {
    // Each join has its own connection.
    socketsPerDevice: 'one',
    maxConnectionMs: 24 * 3_600_000,
  },
  // The data, which names the participant, may be missing from an end.
  endsDevices: true,
  settings: { signatureSecrets, maxAgeMs, participantPointer },
  create: (source, { participantPointer: pointer, ...signatures }) => ({
    authenticate: (callback, nowMs) => authenticateVonage(signatures, callback, nowMs),
    translate: (body, receivedAtMs) => translateVonage({ source, pointer }, body, receivedAtMs),
  }),
});

interface VonageSource {
  readonly source: SourceName;
  readonly pointer: ParticipantPointer | undefined;
}

function translateVonage(source: VonageSource, body: unknown, receivedAtMs: number): Translation {
  if (!isJsonObject(body)) return NOT_AN_OBJECT;
  const { event } = body;
  if (typeof event !== 'string' || event === '') {
    return { outcome: 'invalid', errors: fieldErrors({ event: 'must be the name of an event' }) };
  }
  if (event === 'connectionCreated') return translateConnect(source, body, receivedAtMs);
  if (event === 'connectionDestroyed') return translateEnd(source, body, receivedAtMs);
  return IGNORED_EVENTS.test(event) ? { outcome: 'ignored' } : { outcome: 'unknown', name: event };
}

function translateConnect({ source, pointer }: VonageSource, body: Members, receivedAtMs: number): Translation {
  const { id: deviceId, createdAt, data } = membersOf(body.connection);
  const owner = ownerIn(data, pointer) ?? { participantId: deviceId as ParticipantId };
  const errors = fieldErrors({
    sessionId: identifierFault(body.sessionId),
    'connection/id': identifierFault(deviceId),
    'connection/createdAt': timestampFault(createdAt),
    'connection/data': 'fault' in owner ? owner.fault : undefined,
  });
  if (errors.length > 0 || 'fault' in owner) return { outcome: 'invalid', errors };
  const scope = body.sessionId as string;
  const connected: ProviderEvent = {
    subject: { source, scope, participantId: owner.participantId },
    deviceId: deviceId as DeviceId,
    kind: 'connected',
    occurredAtMs: Number(createdAt),
    receivedAtMs,
    precisionMs: 1,
    tag: scope,
  };
  return { outcome: 'events', events: [connected] };
}

/** An end ends the connection, with or without data. */
function translateEnd({ source, pointer }: VonageSource, body: Members, receivedAtMs: number): Translation {
  const { id: deviceId, createdAt, data } = membersOf(body.connection);
  const errors = fieldErrors({
    sessionId: identifierFault(body.sessionId),
    timestamp: timestampFault(body.timestamp),
    'connection/id': identifierFault(deviceId),
    'connection/createdAt': createdAt === undefined ? undefined : timestampFault(createdAt),
  });
  if (errors.length > 0) return { outcome: 'invalid', errors };
  const scope = body.sessionId as string;
  const kind = LEAVE_REASONS.has(body.reason) ? 'left' : 'disconnected';
  const end = {
    deviceId: deviceId as DeviceId,
    occurredAtMs: Math.max(Number(body.timestamp), Number(createdAt ?? 0)),
    receivedAtMs,
    precisionMs: 1,
    tag: scope,
  } as const;
  const owner = ownerIn(data, pointer);
  const ended: ProviderEvent =
    owner && 'participantId' in owner
      ? { ...end, kind, subject: { source, scope, participantId: owner.participantId } }
      : { ...end, kind: `device-${kind}`, source, scope };
  return { outcome: 'events', events: [ended] };
}
