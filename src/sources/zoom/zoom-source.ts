// Translates the webhooks of Zoom's Video SDK and of Zoom Meetings.
// Sources: https://developers.zoom.us/docs/api/video-sdk/events/ and https://developers.zoom.us/docs/api/meetings/events/.
import { identifierFault } from '../../domain/identifier.js';
import type { DeviceId, ProviderEventKind } from '../../domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../domain/subject.js';
import { fieldErrors, isAbsent, isJsonObject, type Members, membersOf, NOT_AN_OBJECT } from '../json-callback.js';
import { withLabel } from '../label.js';
import { dialectWithSettings, type ProviderEvent, type Translation } from '../source.js';
import { authenticateZoom, maxAgeMs, secretTokens, VALIDATION_EVENT, validateZoomUrl } from './zoom-authentication.js';
import { ZoomCallback } from './zoom-callback.js';

/** Where the facts of an event are. Of several members, the first one that is not empty counts. */
interface Shape {
  readonly isJoin: boolean;
  /** The member of the room that has the participant. */
  readonly person: 'user' | 'participant';
  readonly roomIds: readonly string[];
  readonly participantIds: readonly string[];
  readonly sessionIds: readonly string[];
}

const SESSION = {
  person: 'user',
  roomIds: ['session_key', 'session_name'],
  participantIds: ['user_key', 'participant_uuid'],
  sessionIds: ['session_id'],
} as const;

const MEETING = {
  person: 'participant',
  roomIds: ['id'],
  participantIds: ['customer_key', 'participant_user_id', 'id', 'participant_uuid'],
  sessionIds: ['uuid'],
} as const;

const SHAPES: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ['session.user_joined', { ...SESSION, isJoin: true }],
  ['session.user_left', { ...SESSION, isJoin: false }],
  ['meeting.participant_joined', { ...MEETING, isJoin: true }],
  ['meeting.participant_left', { ...MEETING, isJoin: false }],
]);

const IGNORED_EVENTS =
  /^(?:session|meeting)\.(?:started|ended|alert|\w*(?:waiting|jbh|breakout_room|callout|role_changed|sharing|recording|live_streaming|chat)\w*)$/;

/** Reasons for which a participant does not come back by itself. All others, also those that are not known yet, are losses. */
const LEAVE_REASONS: ReadonlySet<string> = new Set([
  'left the session.',
  'Host ended the session.',
  'Host closed the session.',
  'Host started a new session.',
  'Host did not join.',
  'Exceeded free session minutes limit.',
  'Removed by host.',
  'Leave waiting room.',
  'Removed by host from waiting room.',
]);

export const zoom = dialectWithSettings({
  title: 'Zoom',
  payload: ZoomCallback,
  contentTypes: ['application/json'],
  policy: {
    // Each join has its own participant_uuid.
    socketsPerDevice: 'one',
    // Zoom waits for more than a minute before it reports a loss, and a client that returns later is a new device.
    graceMs: 0,
    maxConnectionMs: 24 * 3_600_000,
  },
  settings: { secretTokens, maxAgeMs },
  // Zoom takes other statuses, also 202, for failures.
  acknowledgement: { status: 204 },
  create: (source, signatures) => ({
    authenticate: (callback, nowMs) => authenticateZoom(signatures, callback, nowMs),
    handshake: (body) => validateZoomUrl(signatures, body),
    translate: (body, receivedAtMs) => translateZoom(source, body, receivedAtMs),
  }),
});

function translateZoom(source: SourceName, body: unknown, receivedAtMs: number): Translation {
  if (!isJsonObject(body)) return NOT_AN_OBJECT;
  const { event, event_ts: eventMs, payload } = body;
  if (typeof event !== 'string' || event === '') {
    return { outcome: 'invalid', errors: fieldErrors({ event: 'must be the name of an event' }) };
  }
  if (event === VALIDATION_EVENT) {
    return { outcome: 'invalid', errors: fieldErrors({ 'payload/plainToken': 'must be a string' }) };
  }
  const shape = SHAPES.get(event);
  if (!shape) return IGNORED_EVENTS.test(event) ? { outcome: 'ignored' } : { outcome: 'unknown', name: event };
  const object = membersOf(membersOf(payload).object);
  const person = membersOf(object[shape.person]);
  const room = firstOf(object, shape.roomIds);
  const participantId = firstOf(person, shape.participantIds);
  const deviceId = person.participant_uuid;
  const isTime = Number.isInteger(eventMs) && Number(eventMs) >= 1e11 && Number(eventMs) < 1e14;
  const place = `payload/object/${shape.person}`;
  const errors = fieldErrors({
    event_ts: isTime ? undefined : 'must be a time in milliseconds since the epoch',
    [`payload/object/${shape.roomIds.at(-1)}`]: identifierFault(room),
    [`${place}/${shape.participantIds[0]}`]: identifierFault(participantId),
    [`${place}/participant_uuid`]: identifierFault(deviceId),
  });
  if (errors.length > 0) return { outcome: 'invalid', errors };
  const scope = room as string;
  const received: ProviderEvent = {
    subject: { source, scope, participantId: participantId as ParticipantId },
    deviceId: deviceId as DeviceId,
    kind: shape.isJoin ? 'connected' : endOf(person.leave_reason),
    occurredAtMs: Number(eventMs),
    receivedAtMs,
    precisionMs: 1,
    tag: scope,
    ...withLabel('session', firstOf(object, shape.sessionIds)),
  };
  return { outcome: 'events', events: [received] };
}

/** Ids of meetings are numbers in some events. */
function firstOf(members: Members, names: readonly string[]): unknown {
  const value = names.map((name) => members[name]).find((one) => !isAbsent(one));
  return typeof value === 'number' ? String(value) : value;
}

/**
 * Such as `<name> left the session.<br>Reason: Host ended the session.` The name is chosen by the user and may look like a reason,
 * so only the end of the text counts.
 */
function endOf(text: unknown): Extract<ProviderEventKind, 'disconnected' | 'left'> {
  if (typeof text !== 'string') return 'disconnected';
  const reason = (text.split('Reason: ').at(-1) ?? '').replaceAll('meeting', 'session');
  return LEAVE_REASONS.has(reason) || reason.endsWith(' left the session.') ? 'left' : 'disconnected';
}
