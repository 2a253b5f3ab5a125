// Translates the webhooks of event_sync, a module for the Prosody server of a self-hosted Jitsi Meet.
// Source: https://github.com/jitsi-contrib/prosody-plugins/tree/main/event_sync
import { identifierFault } from '../../domain/identifier.js';
import type { DeviceId } from '../../domain/lifecycle-event.js';
import type { ParticipantId, SourceName } from '../../domain/subject.js';
import type { FieldError } from '../../http/problem.js';
import { authenticateFixedHeader, callbackHeader } from '../authentication/fixed-header.js';
import { reasonlessEnd } from '../dialect-settings.js';
import { fieldErrors, isAbsent, isJsonObject, type Members, membersOf, NOT_AN_OBJECT } from '../json-callback.js';
import { dialectWithSettings, type ProviderEvent, type RawCallback, type Translation } from '../source.js';
import { secondsFault } from '../timestamp.js';
import { JitsiCallback } from './jitsi-callback.js';

interface JitsiSource {
  readonly source: SourceName;
  /** The module gives no reason for any end. */
  readonly reasonlessEnd: 'disconnected' | 'left';
}

/** One occupant of a callback. */
interface Occupant {
  /** The member that has it, as in a JSON Pointer. */
  readonly place: string;
  readonly members: Members;
  readonly kind: 'connected' | 'disconnected' | 'left';
  /** Unless it is `left_at`. */
  readonly endedAt?: unknown;
}

/** With the time of the join, they make up the id of a device, which can have 256 characters. */
const MAX_JID_LENGTH = 200;
const MAX_BREAKOUT_ROOM_LENGTH = 43;

/** Enough to find the mistake; a room may have had hundreds of occupants. */
const MAX_ERRORS = 20;

export const jitsi = dialectWithSettings({
  title: 'Jitsi',
  payload: JitsiCallback,
  contentTypes: ['application/json'],
  paths: ['/events/room/created', '/events/room/destroyed', '/events/occupant/joined', '/events/occupant/left'],
  events: new Map([
    ['muc-room-created', 'ignored'],
    ['muc-occupant-joined', 'connected'],
    ['muc-occupant-left', 'disconnected'],
    ['muc-room-destroyed', 'disconnected'],
  ]),
  policy: {
    // The time of the join is part of the device.
    socketsPerDevice: 'one',
    maxConnectionMs: 24 * 3_600_000,
  },
  settings: { callbackHeader, reasonlessEnd },
  create: (source, { callbackHeader: header, reasonlessEnd: endKind }) => ({
    ...(header && { authenticate: (callback: RawCallback) => authenticateFixedHeader(header, callback) }),
    translate: (body, receivedAtMs) => translateJitsi({ source, reasonlessEnd: endKind }, body, receivedAtMs),
  }),
});

function translateJitsi(source: JitsiSource, body: unknown, receivedAtMs: number): Translation {
  if (!isJsonObject(body)) return NOT_AN_OBJECT;
  const { event_name: name, occupant } = body;
  switch (name) {
    case 'muc-room-created':
      return { outcome: 'ignored' };
    case 'muc-occupant-left':
      // The module does not know the room's first occupant if it joined before the module noticed the room.
      if (isAbsent(occupant)) return { outcome: 'ignored' };
      return translateOccupants(source, body, [occupantAt('occupant', occupant, source.reasonlessEnd)], receivedAtMs);
    case 'muc-occupant-joined':
      return translateOccupants(source, body, [occupantAt('occupant', occupant, 'connected')], receivedAtMs);
    case 'muc-room-destroyed':
      return translateRoomEnd(source, body, receivedAtMs);
    default:
      if (typeof name === 'string' && name !== '') return { outcome: 'unknown', name };
      return { outcome: 'invalid', errors: fieldErrors({ event_name: 'must be the name of an event' }) };
  }
}

function occupantAt(place: string, value: unknown, kind: Occupant['kind']): Occupant {
  return { place, members: membersOf(value), kind };
}

/** Has the ends that were sent before, too: duplicates, unless they were lost. */
function translateRoomEnd(source: JitsiSource, body: Members, receivedAtMs: number): Translation {
  const { all_occupants: all, destroyed_at: destroyedAt } = body;
  const listed = listOf(all);
  const errors = fieldErrors({
    destroyed_at: secondsFault(destroyedAt),
    all_occupants: listed ? undefined : 'must be an array',
  });
  if (errors.length > 0 || !listed) return { outcome: 'invalid', errors };
  const occupants = listed.map((value, index) => ({
    ...occupantAt(`all_occupants/${index}`, value, source.reasonlessEnd),
    endedAt: destroyedAt,
  }));
  return translateOccupants(source, body, occupants, receivedAtMs);
}

/** In Lua, an empty array and an empty object are the same. */
function listOf(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  return isJsonObject(value) && Object.keys(value).length === 0 ? [] : undefined;
}

function translateOccupants(
  { source }: JitsiSource,
  { room_name: room, breakout_room_id: breakoutRoom }: Members,
  occupants: readonly Occupant[],
  receivedAtMs: number,
): Translation {
  const faults = {
    room_name: identifierFault(room),
    breakout_room_id: isAbsent(breakoutRoom) ? undefined : textFault(breakoutRoom, MAX_BREAKOUT_ROOM_LENGTH),
  };
  const errors = [...fieldErrors(faults), ...occupants.flatMap(occupantErrors)];
  if (errors.length > 0) return { outcome: 'invalid', errors: errors.slice(0, MAX_ERRORS) };
  const scope = room as string;
  const breakout = isAbsent(breakoutRoom) ? '' : (breakoutRoom as string);
  const events = occupants.map(({ members, kind, endedAt }): ProviderEvent => {
    const joinedAt = Number(members.joined_at);
    const endAt = Number(isAbsent(members.left_at) ? endedAt : members.left_at);
    return {
      subject: { source, scope, participantId: participantOf(members) as ParticipantId },
      deviceId: `${members.occupant_jid as string}#${breakout}@${joinedAt}` as DeviceId,
      kind,
      occurredAtMs: 1_000 * (kind === 'connected' ? joinedAt : Math.max(joinedAt, endAt)),
      receivedAtMs,
      // A device is one join, so its end comes after its connect, even if both are dated with the same second.
      precisionMs: 1,
      tag: scope,
    };
  });
  return { outcome: 'events', events };
}

function occupantErrors({ place, members, kind, endedAt }: Occupant): FieldError[] {
  const { occupant_jid: jid, joined_at: joinedAt, left_at: leftAt } = members;
  return fieldErrors({
    [`${place}/occupant_jid`]: textFault(jid, MAX_JID_LENGTH),
    [`${place}/id`]: isAbsent(members.id) ? undefined : identifierFault(participantOf(members)),
    [`${place}/joined_at`]: secondsFault(joinedAt),
    [`${place}/left_at`]: kind === 'connected' ? undefined : secondsFault(isAbsent(leftAt) ? endedAt : leftAt),
  });
}

function textFault(value: unknown, maxLength: number): string | undefined {
  const fault = identifierFault(value);
  if (fault !== undefined) return fault;
  return String(value).length > maxLength ? `must not be longer than ${maxLength} characters` : undefined;
}

/** Without a JWT, an occupant has no id. In a JWT, it may be a number. */
function participantOf({ id, occupant_jid: jid }: Members): unknown {
  if (isAbsent(id)) return jid;
  return Number.isSafeInteger(id) ? String(id) : id;
}
