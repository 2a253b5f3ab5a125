// Translates LiveKit's webhooks, JSON of protocol buffers: 64-bit numbers are strings, and members with the default value are
// absent. Sources: livekit_webhook.proto and livekit_models.proto of https://github.com/livekit/protocol.
import { identifierFault } from '../../domain/identifier.js';
import type { DeviceId } from '../../domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../domain/subject.js';
import { apiUrl } from '../dialect-settings.js';
import { fieldErrors, isJsonObject, type Members, membersOf, NOT_AN_OBJECT } from '../json-callback.js';
import { withLabel } from '../label.js';
import { type DialectSetting, dialectWithSettings, type ProviderEvent, type Translation } from '../source.js';
import { apiKeys, authenticateLivekit } from './livekit-authentication.js';
import { LivekitCallback } from './livekit-callback.js';
import { LivekitObserver } from './livekit-observer.js';
import { timeOf } from './livekit-time.js';

/** An aborted connection was never announced as joined. */
const IGNORED_EVENTS = /^(?:participant_connection_aborted|(?:room|track|egress|ingress|agent_job)_\w+)$/;

/** Reasons for which a participant does not come back by itself. All others, also those that are not known yet, are losses. */
const LEAVE_REASONS: ReadonlySet<unknown> = new Set([
  'CLIENT_INITIATED',
  'DUPLICATE_IDENTITY',
  'PARTICIPANT_REMOVED',
  'ROOM_DELETED',
  'ROOM_CLOSED',
  'USER_UNAVAILABLE',
  'USER_REJECTED',
]);

const ignoredKinds: DialectSetting<ReadonlySet<unknown>> = {
  name: 'SOURCE_<NAME>_IGNORED_KINDS',
  purpose:
    'Comma-separated kinds of LiveKit participants that do not count as participants. Default: AGENT,EGRESS,INGRESS; empty: all kinds count.',
  fallback: 'AGENT,EGRESS,INGRESS',
  read(text) {
    const kinds = text === '' ? [] : text.split(',').map((kind) => kind.trim());
    if (kinds.every((kind) => /^[A-Z]+$/.test(kind))) return new Set(kinds);
    throw new Error('must be a comma-separated list of kinds in upper case, such as AGENT,EGRESS');
  },
};

export const livekit = dialectWithSettings({
  title: 'LiveKit',
  payload: LivekitCallback,
  contentTypes: ['application/webhook+json'],
  policy: {
    // A join has its own sid, and a newer join removes the older one with the same identity from the room.
    socketsPerDevice: 'one',
    devicesAtOnce: 'one',
    // LiveKit waits for the client itself before it reports a loss; one that returns later is a new device.
    graceMs: 0,
    // LiveKit does not limit the duration.
    maxConnectionMs: 24 * 3_600_000,
  },
  settings: { apiKeys, ignoredKinds, apiUrl: apiUrl('') },
  observerNeeds: ['apiUrl'],
  create: (source, { apiKeys: keys, ignoredKinds: kinds, apiUrl: url }) => ({
    authenticate: (callback, nowMs) => authenticateLivekit(keys, callback, nowMs),
    translate: (body, receivedAtMs) => translateLivekit({ source, ignoredKinds: kinds }, body, receivedAtMs),
    ...(url !== undefined &&
      keys[0] && { observer: new LivekitObserver({ apiUrl: url, key: keys[0], ignoredKinds: kinds }) }),
  }),
});

function translateLivekit(
  { source, ignoredKinds: kinds }: { readonly source: SourceName; readonly ignoredKinds: ReadonlySet<unknown> },
  body: unknown,
  receivedAtMs: number,
): Translation {
  if (!isJsonObject(body)) return NOT_AN_OBJECT;
  const { event, id: eventId } = body;
  if (typeof event !== 'string' || event === '') {
    return { outcome: 'invalid', errors: fieldErrors({ event: 'must be the name of an event' }) };
  }
  if (IGNORED_EVENTS.test(event)) return { outcome: 'ignored' };
  if (event !== 'participant_joined' && event !== 'participant_left') return { outcome: 'unknown', name: event };
  const participant = membersOf(body.participant);
  if (kinds.has(participant.kind ?? 'STANDARD')) return { outcome: 'ignored' };
  const { name: room, sid: session } = membersOf(body.room);
  const { identity, sid } = participant;
  const times = timesOf(body, participant);
  const errors = fieldErrors({
    'room/name': identifierFault(room),
    'participant/identity': identifierFault(identity),
    'participant/sid': identifierFault(sid),
    ...timeFaults(times, event),
    id: eventId === undefined ? undefined : identifierFault(eventId),
  });
  if (errors.length > 0) return { outcome: 'invalid', errors };
  const scope = room as string;
  const received: ProviderEvent = {
    subject: { source, scope, participantId: identity as ParticipantId },
    deviceId: sid as DeviceId,
    kind: event === 'participant_joined' ? 'connected' : endOf(participant.disconnectReason),
    occurredAtMs: occurredAtMs(times, event),
    receivedAtMs,
    // A device is one join, so its end comes after its connect, even if both are dated with the same second.
    precisionMs: 1,
    ...(eventId !== undefined && { eventId: eventId as string }),
    tag: scope,
    ...withLabel('session', session),
  };
  return { outcome: 'events', events: [received] };
}

function endOf(reason: unknown): 'disconnected' | 'left' {
  return LEAVE_REASONS.has(reason) ? 'left' : 'disconnected';
}

type PresenceEvent = 'participant_joined' | 'participant_left';

/** In milliseconds. undefined: absent. NaN: not valid. */
interface Times {
  readonly joinedMs: number | undefined;
  readonly joinedSecond: number | undefined;
  /** When the webhook was queued. Redelivery does not change it. */
  readonly createdSecond: number | undefined;
}

function timesOf({ createdAt }: Members, { joinedAtMs, joinedAt }: Members): Times {
  return {
    joinedMs: timeOf(joinedAtMs, 1),
    joinedSecond: timeOf(joinedAt, 1_000),
    createdSecond: timeOf(createdAt, 1_000),
  };
}

function timeFaults({ joinedMs, joinedSecond, createdSecond }: Times, event: PresenceEvent) {
  const fault = (timeMs: number | undefined, unit: string) =>
    Number.isNaN(timeMs) ? `must be a time in ${unit} since the epoch` : undefined;
  const hasJoined = joinedMs !== undefined || joinedSecond !== undefined;
  const isMissing = createdSecond === undefined && (event === 'participant_left' || !hasJoined);
  return {
    'participant/joinedAtMs': fault(joinedMs, 'milliseconds'),
    'participant/joinedAt': fault(joinedSecond, 'seconds'),
    createdAt: isMissing ? 'is missing' : fault(createdSecond, 'seconds'),
  };
}

/** An end is dated in seconds, but never before the join. */
function occurredAtMs({ joinedMs, joinedSecond, createdSecond = 0 }: Times, event: PresenceEvent): number {
  const joinMs = joinedMs ?? joinedSecond;
  return event === 'participant_joined' ? (joinMs ?? createdSecond) : Math.max(createdSecond, joinMs ?? 0);
}
