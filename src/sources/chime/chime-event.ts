// Translates the events of Amazon Chime SDK meetings, as Amazon EventBridge delivers them.
// Source: https://docs.aws.amazon.com/chime-sdk/latest/dg/using-events.html.
import { identifierFault } from '../../domain/identifier.js';
import type { DeviceId } from '../../domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../domain/subject.js';
import { fieldErrors, isAbsent, isJsonObject, type Members, membersOf, NOT_AN_OBJECT } from '../json-callback.js';
import type { ProviderEvent, Translation } from '../source.js';
import { rfc3339TimeMs } from '../timestamp.js';

type Meaning = 'connected' | 'disconnected' | 'left' | 'room-ended' | 'ignored';

const EVENTS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['chime:AttendeeJoined', 'connected'],
  ['chime:AttendeeLeft', 'left'],
  ['chime:AttendeeDeleted', 'left'],
  ['chime:AttendeeDropped', 'disconnected'],
  ['chime:MeetingEnded', 'room-ended'],
  ['chime:MeetingStarted', 'ignored'],
  ['chime:AttendeeAdded', 'ignored'],
  ['chime:AttendeeAuthorized', 'ignored'],
  ['chime:AttendeeVideoStarted', 'ignored'],
  ['chime:AttendeeVideoStopped', 'ignored'],
  ['chime:AttendeeContentJoined', 'ignored'],
  ['chime:AttendeeContentLeft', 'ignored'],
  ['chime:AttendeeContentDropped', 'ignored'],
  ['chime:AttendeeContentVideoStarted', 'ignored'],
  ['chime:AttendeeContentVideoStopped', 'ignored'],
]);

/** What is the same, whichever way the events come. */
export const CHIME = {
  events: EVENTS,
  policy: {
    // An attendee has one connection, and keeps its id when it joins again.
    socketsPerDevice: 'one',
    maxConnectionMs: 24 * 3_600_000,
  },
  endsRooms: true,
} as const;

const MEETING_EVENT = 'Chime Meeting State Change';

/** Other events of EventBridge do not concern presence. */
export function translateChimeEvent(source: SourceName, event: unknown, receivedAtMs: number): Translation {
  if (!isJsonObject(event)) return NOT_AN_OBJECT;
  const { 'detail-type': detailType } = event;
  if (typeof detailType !== 'string' || detailType === '') {
    return { outcome: 'invalid', errors: fieldErrors({ 'detail-type': 'must be a type of event of EventBridge' }) };
  }
  if (detailType !== MEETING_EVENT) return { outcome: 'ignored' };
  const detail = membersOf(event.detail);
  const { eventType } = detail;
  if (typeof eventType !== 'string' || eventType === '') {
    return { outcome: 'invalid', errors: fieldErrors({ 'detail/eventType': 'must be a type of event' }) };
  }
  const meaning = EVENTS.get(eventType);
  if (!meaning) return { outcome: 'unknown', name: eventType };
  if (meaning === 'ignored') return { outcome: 'ignored' };
  return translateMeetingEvent({ source, meaning, event, detail }, receivedAtMs);
}

interface MeetingEvent {
  readonly source: SourceName;
  readonly meaning: Exclude<Meaning, 'ignored'>;
  readonly event: Members;
  readonly detail: Members;
}

function translateMeetingEvent({ source, meaning, event, detail }: MeetingEvent, receivedAtMs: number): Translation {
  const { id: eventId } = event;
  const { attendeeId, externalUserId, externalMeetingId, meetingId } = detail;
  const scope = isAbsent(externalMeetingId) ? meetingId : externalMeetingId;
  const time = timeOf(event, detail);
  const isOfAttendee = meaning !== 'room-ended';
  const errors = fieldErrors({
    id: isAbsent(eventId) ? undefined : identifierFault(eventId),
    [time.member]: time.timeMs === undefined ? 'must be the time of the event' : undefined,
    [scope === meetingId ? 'detail/meetingId' : 'detail/externalMeetingId']: identifierFault(scope),
    'detail/attendeeId': isOfAttendee ? identifierFault(attendeeId) : undefined,
    'detail/externalUserId': isOfAttendee ? identifierFault(externalUserId) : undefined,
  });
  if (errors.length > 0 || time.timeMs === undefined) return { outcome: 'invalid', errors };
  const times = {
    occurredAtMs: time.timeMs,
    receivedAtMs,
    precisionMs: time.precisionMs,
    // That of EventBridge, since SNS gives a duplicate of the event another one.
    ...(!isAbsent(eventId) && { eventId: eventId as string }),
  };
  const room = scope as string;
  if (!isOfAttendee) return { outcome: 'events', events: [{ kind: 'room-ended', source, scope: room, ...times }] };
  const received: ProviderEvent = {
    subject: { source, scope: room, participantId: externalUserId as ParticipantId },
    deviceId: attendeeId as DeviceId,
    kind: meaning,
    ...times,
    tag: room,
  };
  return { outcome: 'events', events: [received] };
}

interface Time {
  readonly member: string;
  /** undefined: not a time. */
  readonly timeMs: number | undefined;
  readonly precisionMs: 1 | 1_000;
}

/** The unit of `timestamp` is not documented. Times from 1973 on are distinguishable. */
function timeOf({ time }: Members, { timestamp }: Members): Time {
  if (isAbsent(timestamp)) return { member: 'time', timeMs: rfc3339TimeMs(time), precisionMs: 1_000 };
  const isSeconds = typeof timestamp === 'number' && timestamp >= 1e8 && timestamp < 1e11;
  const isMs = typeof timestamp === 'number' && timestamp >= 1e11 && timestamp < 1e14;
  return {
    member: 'detail/timestamp',
    timeMs: isSeconds || isMs ? Math.round(timestamp * (isMs ? 1 : 1_000)) : undefined,
    precisionMs: isSeconds && Number.isInteger(timestamp) ? 1_000 : 1,
  };
}
