// A participant's record as text: JSON arrays by position, times relative to its last event. Redis holds one such text
// for every participant in memory, and this is about a third of what plain JSON would take.
// The participant's id is not in it: it is the key under which a store keeps the record.
import type { Connection, GoneCause } from './domain/connection.js';
import type { DeviceHistory } from './domain/device-history.js';
import type { DeviceEvent, DeviceId, EventKind, ParticipantId } from './domain/lifecycle-event.js';
import type { ParticipantRecord } from './domain/participant.js';
import { type DeviceView, PRESENCE_STATES, type Presence } from './domain/presence-view.js';
import type { StoredRecord } from './presence-store.js';

const FORMAT = 1;
const KINDS: readonly EventKind[] = ['connected', 'disconnected', 'left'];
const CAUSES: readonly GoneCause[] = ['left', 'lost', 'expired'];

/** kind, at, heardAt after at */
type EventText = [number, number, number];
/** state, since; then `until` when reconnecting, the cause when gone */
type PresenceText = [number, number, number?];
/** presence, connectedAt, interruptions */
type DeviceViewText = [PresenceText, number | null, number];
/** phase, connectedAt, interruptions, at, heardAt after at; then sockets when open, the cause when ended */
type ConnectionText = ['o' | 'l' | 'e', number | null, number, number, number, number?];
/** id, view, events, and the base if there is one */
type DeviceText = [string, DeviceViewText, EventText[], ConnectionText?, EventText?];
/** start, reach */
type StayText = [number, number];
/** format, lastEventAt, source, version, deadline, presence, devices, tag and its time, past stays, shedUpTo */
type RecordText = [
  number,
  number,
  string,
  number,
  number,
  PresenceText,
  DeviceText[],
  ([string, number] | 0)?,
  StayText[]?,
  number?,
];

export function encodeRecord(record: ParticipantRecord): StoredRecord {
  const { lastEventAtMs: zeroMs, source, version, deadlineMs, announced, tag, pastStays, shedUpToMs } = record;
  const devices = announced.devices.map((view) => encodeDevice(view, record.devices.get(view.deviceId), zeroMs));
  const text: RecordText = [
    FORMAT,
    zeroMs,
    source,
    version,
    deadlineMs - zeroMs,
    encodePresence(announced, zeroMs),
    devices,
  ];
  const isLong = shedUpToMs !== undefined || pastStays.length > 0;
  if (tag || isLong) text.push(tag ? [tag.value, tag.atMs - zeroMs] : 0);
  const stays = pastStays.map(({ startMs, reachMs }): StayText => [startMs - zeroMs, reachMs - zeroMs]);
  if (isLong) text.push(stays);
  if (shedUpToMs !== undefined) text.push(shedUpToMs - zeroMs);
  return JSON.stringify(text);
}

/** Throws when the text is not that of a record. */
export function decodeRecord(participantId: ParticipantId, stored: StoredRecord): ParticipantRecord {
  const text = JSON.parse(stored) as RecordText;
  const [format, zeroMs, source, version, deadline, presence, devices, tag, pastStays = [], shedUpTo] = text;
  if (format !== FORMAT) throw new Error(`a record of format ${format}, not ${FORMAT}`);
  return {
    participantId,
    source,
    version,
    ...(tag && { tag: { value: tag[0], atMs: zeroMs + tag[1] } }),
    lastEventAtMs: zeroMs,
    devices: new Map(devices.map((device) => [device[0] as DeviceId, decodeHistory(device, zeroMs)])),
    pastStays: pastStays.map(([start, reach]) => ({ startMs: zeroMs + start, reachMs: zeroMs + reach })),
    ...(shedUpTo !== undefined && { shedUpToMs: zeroMs + shedUpTo }),
    announced: {
      ...decodePresence(presence, zeroMs),
      devices: devices.map(([deviceId, view]) => decodeView(deviceId as DeviceId, view, zeroMs)),
    },
    deadlineMs: zeroMs + deadline,
  };
}

function encodeDevice(view: DeviceView, history: DeviceHistory | undefined, zeroMs: number): DeviceText {
  if (!history) throw new Error('a device was announced that is not in the record');
  const connectedAt = view.connectedAtMs === null ? null : view.connectedAtMs - zeroMs;
  const viewText: DeviceViewText = [encodePresence(view, zeroMs), connectedAt, view.interruptions];
  const text: DeviceText = [view.deviceId, viewText, history.events.map((event) => encodeEvent(event, zeroMs))];
  const { base } = history;
  if (base) text.push(encodeConnection(base.connection, zeroMs), encodeEvent(base.upTo, zeroMs));
  return text;
}

function decodeHistory([, , events, connection, upTo]: DeviceText, zeroMs: number): DeviceHistory {
  const kept = events.map((event) => decodeEvent(event, zeroMs));
  if (!connection || !upTo) return { events: kept };
  return { base: { connection: decodeConnection(connection, zeroMs), upTo: decodeEvent(upTo, zeroMs) }, events: kept };
}

function decodeView(
  deviceId: DeviceId,
  [presence, connectedAt, interruptions]: DeviceViewText,
  zeroMs: number,
): DeviceView {
  const connectedAtMs = connectedAt === null ? null : zeroMs + connectedAt;
  return { deviceId, ...decodePresence(presence, zeroMs), connectedAtMs, interruptions };
}

function encodePresence({ state, sinceMs, untilMs, cause }: Presence, zeroMs: number): PresenceText {
  const text: PresenceText = [PRESENCE_STATES.indexOf(state), sinceMs - zeroMs];
  if (untilMs !== undefined) text.push(untilMs - zeroMs);
  if (cause !== undefined) text.push(CAUSES.indexOf(cause));
  return text;
}

function decodePresence([stateIndex, since, extra = 0]: PresenceText, zeroMs: number): Presence {
  const state = at(PRESENCE_STATES, stateIndex);
  const sinceMs = zeroMs + since;
  if (state === 'reconnecting') return { state, sinceMs, untilMs: zeroMs + extra };
  return state === 'gone' ? { state, sinceMs, cause: at(CAUSES, extra) } : { state, sinceMs };
}

function encodeEvent({ kind, atMs, heardAtMs }: DeviceEvent, zeroMs: number): EventText {
  return [KINDS.indexOf(kind), atMs - zeroMs, heardAtMs - atMs];
}

function decodeEvent([kind, atRelative, delay]: EventText, zeroMs: number): DeviceEvent {
  const atMs = zeroMs + atRelative;
  return { kind: at(KINDS, kind), atMs, heardAtMs: atMs + delay };
}

function encodeConnection(connection: Connection, zeroMs: number): ConnectionText {
  const { connectedAtMs, interruptions } = connection;
  const start = connectedAtMs === null ? null : connectedAtMs - zeroMs;
  switch (connection.phase) {
    case 'open': {
      const { newestAtMs, newestHeardAtMs, sockets } = connection;
      return ['o', start, interruptions, newestAtMs - zeroMs, newestHeardAtMs - newestAtMs, sockets];
    }
    case 'lost':
      return ['l', start, interruptions, connection.lostAtMs - zeroMs, connection.lostHeardAtMs - connection.lostAtMs];
    case 'ended': {
      const { endedAtMs, endedHeardAtMs, cause } = connection;
      return ['e', start, interruptions, endedAtMs - zeroMs, endedHeardAtMs - endedAtMs, CAUSES.indexOf(cause)];
    }
  }
}

function decodeConnection(
  [phase, start, interruptions, when, delay, extra = 0]: ConnectionText,
  zeroMs: number,
): Connection {
  const connectedAtMs = start === null ? null : zeroMs + start;
  const atMs = zeroMs + when;
  const heardAtMs = atMs + delay;
  switch (phase) {
    case 'o': {
      const newest = { newestAtMs: atMs, newestHeardAtMs: heardAtMs };
      return { phase: 'open', connectedAtMs: connectedAtMs ?? atMs, interruptions, sockets: extra, ...newest };
    }
    case 'l':
      return { phase: 'lost', connectedAtMs, interruptions, lostAtMs: atMs, lostHeardAtMs: heardAtMs };
    case 'e': {
      const end = { cause: at(CAUSES, extra), endedAtMs: atMs, endedHeardAtMs: heardAtMs };
      return { phase: 'ended', connectedAtMs, interruptions, ...end };
    }
  }
}

function at<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new Error(`a record with a value ${index} of ${values.join('|')}`);
  return value;
}
