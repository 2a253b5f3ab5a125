// Records as they were written at first: nested arrays by position. They are still read, and written anew as
// record-codec.ts has it with the next commit.
import type { Connection } from './domain/connection.js';
import type { DeviceHistory } from './domain/device-history.js';
import type { DeviceEvent, DeviceId, ParticipantId } from './domain/lifecycle-event.js';
import type { ParticipantRecord } from './domain/participant.js';
import type { DeviceView } from './domain/presence-view.js';
import {
  type EventText,
  type PresenceText,
  readConnection,
  readEvent,
  readPresence,
  tagAt,
  whole,
} from './record-text.js';

/** presence, connectedAt, interruptions */
type ViewText = [PresenceText, number | null, number];
/** phase, connectedAt, interruptions, at, heardAt after at; then sockets when open, the cause when ended */
type ConnectionText = ['o' | 'l' | 'e', number | null, number, number, number, number?];
/** id, view, events, and the base if there is one: a connection, and the event up to which it is */
type DeviceText = [string, ViewText, EventText[], ConnectionText?, EventText?];
/** format, lastEventAt, source, version, deadline, presence, devices, tag and its time, past stays, evictedUpTo */
export type FirstRecordText = [
  1,
  number,
  string,
  number,
  number,
  PresenceText,
  DeviceText[],
  ([string, number] | 0)?,
  [number, number][]?,
  number?,
];

export function readFirstFormat(participantId: ParticipantId, text: FirstRecordText): ParticipantRecord {
  const [, zeroMs, source, version, deadline, presence, devices, tag, pastStays = [], evictedUpTo] = text;
  return {
    participantId,
    source,
    version: whole(version),
    ...(tag && { tag: tagAt(tag[0], zeroMs + tag[1]) }),
    lastEventAtMs: whole(zeroMs),
    devices: new Map(devices.map((device) => [device[0] as DeviceId, readHistory(device, zeroMs)])),
    pastStays: pastStays.map(([start, reach]) => ({ startMs: whole(zeroMs + start), reachMs: whole(zeroMs + reach) })),
    ...(evictedUpTo !== undefined && { evictedUpToMs: whole(zeroMs + evictedUpTo) }),
    announced: {
      ...readPresence(presence, zeroMs),
      devices: devices.map(([deviceId, view]) => readView(deviceId as DeviceId, view, zeroMs)),
    },
    deadlineMs: whole(zeroMs + deadline),
  };
}

function readHistory([, , events, connection, upTo]: DeviceText, zeroMs: number): DeviceHistory {
  const kept = events.map((event): DeviceEvent => readEvent(...event, zeroMs));
  if (!connection || !upTo) return { events: kept };
  const [phase, start, interruptions, when, delay, extra = 0] = connection;
  const base: Connection = readConnection([phase, start, interruptions, when, delay, extra], zeroMs);
  return { base: { connection: base, upTo: readEvent(...upTo, zeroMs) }, events: kept };
}

function readView(deviceId: DeviceId, [presence, start, interruptions]: ViewText, zeroMs: number): DeviceView {
  const connectedAtMs = start === null ? null : whole(zeroMs + start);
  return { deviceId, ...readPresence(presence, zeroMs), connectedAtMs, interruptions: whole(interruptions) };
}
