// Translates the status callbacks of the rooms of Twilio Video, which are forms.
// Source: https://www.twilio.com/docs/video/api/status-callbacks.
import { identifierFault } from '../../domain/identifier.js';
import type { DeviceId } from '../../domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../domain/subject.js';
import { reasonlessEnd } from '../dialect-settings.js';
import { fieldErrors, membersOf } from '../json-callback.js';
import { dialectWithSettings, type ProviderEvent, type Translation } from '../source.js';
import { rfc3339TimeMs } from '../timestamp.js';
import { authenticateTwilio, authTokens } from './twilio-authentication.js';
import { TwilioCallback } from './twilio-callback.js';

type Meaning = 'connected' | 'disconnected' | 'room-ended' | 'ignored';

const EVENTS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['participant-connected', 'connected'],
  ['participant-disconnected', 'disconnected'],
  ['room-ended', 'room-ended'],
  ['room-created', 'ignored'],
  ['track-added', 'ignored'],
  ['track-removed', 'ignored'],
  ['track-enabled', 'ignored'],
  ['track-disabled', 'ignored'],
  ['recording-started', 'ignored'],
  ['recording-completed', 'ignored'],
  ['recording-failed', 'ignored'],
]);

export const twilio = dialectWithSettings({
  title: 'Twilio Video',
  payload: TwilioCallback,
  contentTypes: ['application/x-www-form-urlencoded'],
  events: EVENTS,
  policy: {
    // A join has its own sid, and a newer join removes the older one with the same identity from the room.
    socketsPerDevice: 'one',
    devicesAtOnce: 'one',
    // Twilio waits for the client itself before it reports a loss; one that returns later is a new device.
    graceMs: 0,
    // The longest MaxParticipantDuration that a room can have.
    maxConnectionMs: 24 * 3_600_000,
  },
  signsUrl: true,
  // Twilio does not promise that a room that is completed has an end for each participant.
  endsRooms: true,
  settings: { authTokens, reasonlessEnd },
  create: (source, { authTokens: tokens, reasonlessEnd: endKind }) => ({
    authenticate: (callback) => authenticateTwilio(tokens, callback),
    translate: (body, receivedAtMs) => translateTwilio({ source, endKind }, body, receivedAtMs),
  }),
});

function translateTwilio(
  { source, endKind }: { readonly source: SourceName; readonly endKind: 'disconnected' | 'left' },
  body: unknown,
  receivedAtMs: number,
): Translation {
  const {
    StatusCallbackEvent: name,
    RoomName: room,
    ParticipantIdentity: identity,
    ParticipantSid: sid,
    Timestamp: time,
  } = membersOf(body);
  if (typeof name !== 'string' || name === '') {
    return { outcome: 'invalid', errors: fieldErrors({ StatusCallbackEvent: 'must be the name of an event' }) };
  }
  const meaning = EVENTS.get(name);
  if (meaning === undefined) return { outcome: 'unknown', name };
  if (meaning === 'ignored') return { outcome: 'ignored' };
  const isOfRoom = meaning === 'room-ended';
  const occurredAtMs = rfc3339TimeMs(time);
  const errors = fieldErrors({
    RoomName: identifierFault(room),
    ParticipantIdentity: isOfRoom ? undefined : identifierFault(identity),
    ParticipantSid: isOfRoom ? undefined : identifierFault(sid),
    Timestamp: occurredAtMs === undefined ? 'must be a time like 2026-09-21T14:13:21.876Z' : undefined,
  });
  if (errors.length > 0 || occurredAtMs === undefined) return { outcome: 'invalid', errors };
  const scope = room as string;
  const times = { occurredAtMs, receivedAtMs, precisionMs: 1 } as const;
  const event: ProviderEvent = isOfRoom
    ? { kind: meaning, source, scope, ...times }
    : {
        subject: { source, scope, participantId: identity as ParticipantId },
        deviceId: sid as DeviceId,
        kind: meaning === 'connected' ? meaning : endKind,
        ...times,
        tag: scope,
      };
  return { outcome: 'events', events: [event] };
}
