// A participant's record as text: flat JSON arrays by position, times relative to its last event. Redis holds one such
// text for every participant in memory, and each callback reads one and writes one: it is about a quarter of what plain
// JSON would take, and what is so of nearly every participant is written as 0.
// The participant's id is not in it: it is the key under which a store keeps the record.
import type { DeviceHistory } from './domain/device-history.js';
import type { DeviceEvent, DeviceId, ParticipantId } from './domain/lifecycle-event.js';
import type { ParticipantRecord } from './domain/participant.js';
import type { DeviceView, Presence } from './domain/presence-view.js';
import type { Stay } from './domain/stay.js';
import { type FirstRecordText, readFirstFormat } from './first-record-format.js';
import type { StoredRecord } from './presence-store.js';
import {
  at,
  type ConnectionText,
  connectionText,
  type PresenceText,
  presenceText,
  pushEvent,
  readConnection,
  readEvent,
  readPresence,
} from './record-text.js';

const FORMAT = 3;
/** Their places are stored. */
const SOURCES: readonly string[] = ['bandwidth'];

/** connectedAt, interruptions, and its presence */
type ViewText = [number | null, number, PresenceText];
/** id; view, 0 for connected since the last event; base, 0 for none; the three numbers of each event */
type DeviceText = [string, ViewText | 0, [ConnectionText, ...number[]] | 0, ...number[]];
/**
 * format, lastEventAt, source or its place, version, deadline, presence or 0 for that of the first device, devices; then,
 * as far as there is any: tag, alone if the last event gave it, else with its time; start and reach of each past stay;
 * shedUpTo
 */
type RecordText = [
  number,
  number,
  string | number,
  number,
  number,
  PresenceText | 0,
  DeviceText[],
  (string | [string, number] | 0)?,
  number[]?,
  number?,
];

export function encodeRecord(record: ParticipantRecord): StoredRecord {
  const { lastEventAtMs: zeroMs, source, version, deadlineMs, announced, tag, pastStays, shedUpToMs } = record;
  const place = SOURCES.indexOf(source);
  const text: RecordText = [
    FORMAT,
    zeroMs,
    place === -1 ? source : place,
    version,
    deadlineMs - zeroMs,
    isSamePresence(announced, announced.devices[0]) ? 0 : presenceText(announced, zeroMs),
    announced.devices.map((view) => deviceText(view, record.devices.get(view.deviceId), zeroMs)),
  ];
  const isLong = shedUpToMs !== undefined || pastStays.length > 0;
  if (tag) text.push(tag.atMs === zeroMs ? tag.value : [tag.value, tag.atMs - zeroMs]);
  else if (isLong) text.push(0);
  if (isLong) text.push(pastStays.flatMap(({ startMs, reachMs }) => [startMs - zeroMs, reachMs - zeroMs]));
  if (shedUpToMs !== undefined) text.push(shedUpToMs - zeroMs);
  return JSON.stringify(text);
}

/** Throws when the text is not that of a record. */
export function decodeRecord(participantId: ParticipantId, stored: StoredRecord): ParticipantRecord {
  const text = JSON.parse(stored) as RecordText | FirstRecordText;
  if (text[0] === 1) return readFirstFormat(participantId, text as FirstRecordText);
  if (text[0] !== FORMAT) throw new Error(`a record of format ${text[0]}, not ${FORMAT}`);
  const [, zeroMs, source, version, deadline, presence, devices, tag = 0, stays = [], shedUpTo] = text as RecordText;
  const histories = new Map<DeviceId, DeviceHistory>();
  const views: DeviceView[] = [];
  for (const device of devices) {
    const view = readView(device, zeroMs);
    views.push(view);
    histories.set(view.deviceId, readHistory(device, zeroMs));
  }
  const { state, sinceMs, untilMs, cause } = presence === 0 ? firstOf(views) : readPresence(presence, zeroMs);
  return {
    participantId,
    source: typeof source === 'string' ? source : at(SOURCES, source),
    version,
    tag: tag === 0 ? undefined : readTag(tag, zeroMs),
    lastEventAtMs: zeroMs,
    devices: histories,
    pastStays: readStays(stays, zeroMs),
    shedUpToMs: shedUpTo === undefined ? undefined : zeroMs + shedUpTo,
    announced: { state, sinceMs, untilMs, cause, devices: views },
    deadlineMs: zeroMs + deadline,
  };
}

function isSamePresence({ state, sinceMs, untilMs, cause }: Presence, device: DeviceView | undefined): boolean {
  return state === device?.state && sinceMs === device.sinceMs && untilMs === device.untilMs && cause === device.cause;
}

function firstOf(views: readonly DeviceView[]): DeviceView {
  const [first] = views;
  if (!first) throw new Error('a record without devices');
  return first;
}

function readTag(text: string | [string, number], zeroMs: number) {
  return typeof text === 'string' ? { value: text, atMs: zeroMs } : { value: text[0], atMs: zeroMs + text[1] };
}

function readStays(numbers: readonly number[], zeroMs: number): Stay[] {
  const stays: Stay[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    stays.push({ startMs: zeroMs + (numbers[i] ?? 0), reachMs: zeroMs + (numbers[i + 1] ?? 0) });
  }
  return stays;
}

function deviceText(view: DeviceView, history: DeviceHistory | undefined, zeroMs: number): DeviceText {
  if (!history) throw new Error('a device was announced that is not in the record');
  const { deviceId, state, sinceMs, connectedAtMs, interruptions } = view;
  const isPlain = state === 'connected' && sinceMs === zeroMs && connectedAtMs === zeroMs && interruptions === 0;
  const start = connectedAtMs === null ? null : connectedAtMs - zeroMs;
  const text: DeviceText = [deviceId, isPlain ? 0 : [start, interruptions, presenceText(view, zeroMs)], 0];
  if (history.base) {
    const base: [ConnectionText, ...number[]] = [connectionText(history.base.connection, zeroMs)];
    pushEvent(base, history.base.upTo, zeroMs);
    text[2] = base;
  }
  for (const event of history.events) pushEvent(text, event, zeroMs);
  return text;
}

function readView([id, text]: DeviceText, zeroMs: number): DeviceView {
  const deviceId = id as DeviceId;
  if (text === 0) {
    const since = { sinceMs: zeroMs, untilMs: undefined, cause: undefined, connectedAtMs: zeroMs };
    return { deviceId, state: 'connected', ...since, interruptions: 0 };
  }
  const [start, interruptions, presence] = text;
  const { state, sinceMs, untilMs, cause } = readPresence(presence, zeroMs);
  const connectedAtMs = start === null ? null : zeroMs + start;
  return { deviceId, state, sinceMs, untilMs, cause, connectedAtMs, interruptions };
}

function readHistory(text: DeviceText, zeroMs: number): DeviceHistory {
  const base = text[2];
  const events = readEvents(text as readonly unknown[], 3, zeroMs);
  if (base === 0) return { events };
  const [upTo] = readEvents(base, 1, zeroMs);
  if (!upTo) throw new Error('a base without an event');
  return { base: { connection: readConnection(base[0], zeroMs), upTo }, events };
}

/** Those that the numbers from `first` on stand for. */
function readEvents(text: readonly unknown[], first: number, zeroMs: number): DeviceEvent[] {
  const events: DeviceEvent[] = [];
  for (let i = first; i < text.length; i += 3) {
    events.push(readEvent(text[i] as number, text[i + 1] as number, text[i + 2] as number, zeroMs));
  }
  return events;
}
