// Translates the webhooks of Cloudflare RealtimeKit. Source: https://developers.cloudflare.com/realtime/realtimekit/webhooks/.
import { identifierFault } from '../../domain/identifier.js';
import type { DeviceId } from '../../domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../domain/subject.js';
import { reasonlessEnd } from '../dialect-settings.js';
import { fieldErrors, isJsonObject, type Members, membersOf, NOT_AN_OBJECT } from '../json-callback.js';
import { dialectWithSettings, type ProviderEvent, type Translation } from '../source.js';
import { rfc3339TimeMs } from '../timestamp.js';
import { authenticateRealtimekit, publicKeys } from './realtimekit-authentication.js';
import { RealtimekitCallback } from './realtimekit-callback.js';

type Meaning = 'connected' | 'disconnected' | 'room-ended' | 'ignored';

const EVENTS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['meeting.participantJoined', 'connected'],
  ['meeting.participantLeft', 'disconnected'],
  ['meeting.ended', 'room-ended'],
  ['meeting.started', 'ignored'],
  ['meeting.chatSynced', 'ignored'],
  ['meeting.transcript', 'ignored'],
  ['meeting.summary', 'ignored'],
  ['recording.statusUpdate', 'ignored'],
  ['livestreaming.statusUpdate', 'ignored'],
]);

const NO_TIME = 'must be a time like "2026-09-21T14:13:21.437Z"';

interface RealtimekitSource {
  readonly source: SourceName;
  /** RealtimeKit gives no reason for the end of a participant. */
  readonly reasonlessEnd: 'disconnected' | 'left';
}

export const realtimekit = dialectWithSettings({
  title: 'Cloudflare RealtimeKit',
  payload: RealtimekitCallback,
  contentTypes: ['application/json'],
  events: EVENTS,
  policy: {
    // Each join has its own peerId.
    socketsPerDevice: 'one',
    maxConnectionMs: 24 * 3_600_000,
  },
  settings: { publicKeys, reasonlessEnd },
  needsSecret: true,
  endsRooms: true,
  create: (source, { publicKeys: keys, ...settings }) => ({
    authenticate: (callback) => authenticateRealtimekit(keys, callback),
    translate: (body, receivedAtMs) => translateRealtimekit({ source, ...settings }, body, receivedAtMs),
  }),
});

function translateRealtimekit(source: RealtimekitSource, body: unknown, receivedAtMs: number): Translation {
  if (!isJsonObject(body)) return NOT_AN_OBJECT;
  const { event } = body;
  if (typeof event !== 'string' || event === '') {
    return { outcome: 'invalid', errors: fieldErrors({ event: 'must be the name of an event' }) };
  }
  const meaning = EVENTS.get(event);
  if (!meaning) return { outcome: 'unknown', name: event };
  if (meaning === 'ignored') return { outcome: 'ignored' };
  const meeting = membersOf(body.meeting);
  if (meaning === 'room-ended') return translateEndOfMeeting(source, meeting, receivedAtMs);
  const isJoin = meaning === 'connected';
  return translateParticipant(source, { isJoin, meeting, participant: membersOf(body.participant) }, receivedAtMs);
}

function translateEndOfMeeting({ source }: RealtimekitSource, meeting: Members, receivedAtMs: number): Translation {
  const occurredAtMs = rfc3339TimeMs(meeting.endedAt);
  const errors = fieldErrors({
    'meeting/id': identifierFault(meeting.id),
    'meeting/endedAt': occurredAtMs === undefined ? NO_TIME : undefined,
  });
  if (errors.length > 0 || occurredAtMs === undefined) return { outcome: 'invalid', errors };
  const scope = meeting.id as string;
  return {
    outcome: 'events',
    events: [{ kind: 'room-ended', source, scope, occurredAtMs, receivedAtMs, precisionMs: 1 }],
  };
}

function translateParticipant(
  { source, reasonlessEnd: endKind }: RealtimekitSource,
  {
    isJoin,
    meeting,
    participant,
  }: { readonly isJoin: boolean; readonly meeting: Members; readonly participant: Members },
  receivedAtMs: number,
): Translation {
  const { customParticipantId, peerId, joinedAt, leftAt } = participant;
  const joinedMs = rfc3339TimeMs(joinedAt);
  const leftMs = isJoin ? undefined : rfc3339TimeMs(leftAt);
  const errors = fieldErrors({
    'meeting/id': identifierFault(meeting.id),
    'participant/customParticipantId': identifierFault(customParticipantId),
    'participant/peerId': identifierFault(peerId),
    'participant/joinedAt': joinedMs === undefined ? NO_TIME : undefined,
    'participant/leftAt': isJoin || leftMs !== undefined ? undefined : NO_TIME,
  });
  if (errors.length > 0 || joinedMs === undefined) return { outcome: 'invalid', errors };
  const scope = meeting.id as string;
  const received: ProviderEvent = {
    subject: { source, scope, participantId: customParticipantId as ParticipantId },
    deviceId: peerId as DeviceId,
    kind: isJoin ? 'connected' : endKind,
    occurredAtMs: Math.max(joinedMs, leftMs ?? 0),
    receivedAtMs,
    precisionMs: 1,
    tag: scope,
  };
  return { outcome: 'events', events: [received] };
}
