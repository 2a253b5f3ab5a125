// Ends that name no participant, as stored under their target: a room, or a device in a room.
import { identifierFault } from '../../domain/identifier.js';
import type { DeviceEnd, RoomEnd } from '../../domain/lifecycle-event.js';
import type { SourceName } from '../../domain/subject.js';
import { isTimeMs } from '../../runtime/rfc3339.js';
import type { StoredEnd } from '../ports.js';

export type EndWithoutParticipant = DeviceEnd | RoomEnd;

const KINDS: readonly unknown[] = ['room-ended', 'device-disconnected', 'device-left'] satisfies readonly (
  | DeviceEnd
  | RoomEnd
)['kind'][];

/** Without the time of receipt, so that each end is stored once. */
export function encodeEnd({ receivedAtMs, ...end }: EndWithoutParticipant): StoredEnd {
  return { text: JSON.stringify(end), receivedAtMs };
}

export function decodeEnd({ text, receivedAtMs }: StoredEnd): EndWithoutParticipant {
  return { ...(JSON.parse(text) as EndWithoutParticipant), receivedAtMs };
}

/** Of an end that another store has written. `end`: what `encodeEnd` has made text of. */
export function isEnd(end: unknown): end is EndWithoutParticipant {
  const { kind, source, scope, deviceId, occurredAtMs, precisionMs, eventId, sequence, cappedAtMs, tag, ...others } =
    Object(end) as Record<string, unknown>;
  const isOptional = (value: unknown, type: string) => value === undefined || typeof value === type;
  return (
    KINDS.includes(kind) &&
    identifierFault(source) === undefined &&
    (scope === '' || identifierFault(scope) === undefined) &&
    (kind === 'room-ended' ? deviceId === undefined : identifierFault(deviceId) === undefined) &&
    isTimeMs(occurredAtMs) &&
    (precisionMs === 1 || precisionMs === 1_000) &&
    isOptional(eventId, 'string') &&
    (sequence === undefined || Number.isSafeInteger(sequence)) &&
    (cappedAtMs === undefined || isTimeMs(cappedAtMs)) &&
    isOptional(tag, 'string') &&
    Object.keys(others).length === 0
  );
}

export function targetOf(end: EndWithoutParticipant): string {
  return end.kind === 'room-ended'
    ? roomTarget(end.source, end.scope)
    : deviceTarget(end.source, end.scope, end.deviceId);
}

export function roomTarget(source: SourceName, scope: string): string {
  return `${source}\u001f${scope}`;
}

export function deviceTarget(source: SourceName, scope: string, deviceId: string): string {
  return `${source}\u001f${scope}\u001f${deviceId}`;
}
