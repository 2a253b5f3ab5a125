// A participant's record as text: flat JSON arrays by position, times relative to its last event. Redis holds one such
// text for every participant in memory, and each callback reads one and writes one: it is about a quarter of what plain
// JSON would take, and what is so of nearly every participant is left out or written as 0.
// Who it is of is not in it: that is the key under which a store keeps the record.

import type { DeviceHistory } from '../../domain/device-history.js';
import type { DeviceId } from '../../domain/lifecycle-event.js';
import type { ParticipantRecord } from '../../domain/participant.js';
import type { DeviceView, Presence } from '../../domain/presence-view.js';
import type { Stay } from '../../domain/stay.js';
import type { Subject } from '../../domain/subject.js';
import type { StoredRecord } from '../ports.js';
import { type DeviceText, deviceText, isNew, type NewDeviceText, readHistory, readView } from './device-text.js';
import { type PresenceText, presenceText, readPresence, tagAt, whole } from './record-text.js';
import { type SubjectKey, subjectOf } from './subject-key.js';

/** Of this text. A later format reads this one, too, and writes its own with the next commit. */
const FORMAT = 1;

/** Alone, or with the time when the record was settled last. */
type DeadlineText = number | [number, number];
/**
 * format, lastEventAt, version less lastEventAt since it begins as a time, deadline; the devices or, if there is just a
 * new one, its two values; what else there is
 */
type RecordText =
  | [typeof FORMAT, number, number, DeadlineText, DeviceText[], ...RestText]
  | [typeof FORMAT, number, number, DeadlineText, ...NewDeviceText, ...RestText];
/**
 * As far as any of it is other than is usual: tag, 0 for none, alone if the last event gave it, else with its time;
 * presence, 0 for that of the first device; start and reach of each past stay; evictedUpTo
 */
type RestText = [(string | [string, number] | 0)?, (PresenceText | 0)?, number[]?, number?];

export function encodeRecord(record: ParticipantRecord): StoredRecord {
  const { lastEventAtMs: zeroMs, version, deadlineMs, settledAtMs, announced, tag } = record;
  const { pastStays, evictedUpToMs } = record;
  const devices = announced.devices.map((view) => deviceText(view, record.devices.get(view.deviceId), zeroMs));
  const deadline = deadlineMs - zeroMs;
  const deadlineText = settledAtMs === undefined ? deadline : [deadline, settledAtMs - zeroMs];
  const text: unknown[] = [FORMAT, zeroMs, version - zeroMs, deadlineText];
  const [device] = devices;
  if (device && isNew(device) && devices.length === 1) text.push(device[0], device[1]);
  else text.push(devices);
  const presence = isSamePresence(announced, announced.devices[0]) ? 0 : presenceText(announced, zeroMs);
  const isLong = evictedUpToMs !== undefined || pastStays.length > 0;
  if (tag) text.push(tag.occurredAtMs === zeroMs ? tag.value : [tag.value, tag.occurredAtMs - zeroMs]);
  if (presence === 0 && !isLong) return JSON.stringify(text);
  if (!tag) text.push(0);
  text.push(presence);
  if (isLong) text.push(pastStays.flatMap(({ startMs, reachMs }) => [startMs - zeroMs, reachMs - zeroMs]));
  if (evictedUpToMs !== undefined) text.push(evictedUpToMs - zeroMs);
  return JSON.stringify(text);
}

/** Throws when the text is not that of a record. What it throws goes to the log, and so quotes nothing of the text. */
export function decodeRecord(key: SubjectKey, stored: StoredRecord): ParticipantRecord {
  const text = parse(stored);
  if (text[0] !== FORMAT) throw new Error('a record of an unknown format');
  return readRecord(subjectOf(key), text as unknown as RecordText);
}

function parse(stored: StoredRecord): readonly unknown[] {
  let text: unknown;
  try {
    text = JSON.parse(stored);
  } catch {
    // Its message quotes the text.
  }
  if (Array.isArray(text)) return text;
  throw new Error('a record that is no JSON array');
}

function readRecord(subject: Subject, text: RecordText): ParticipantRecord {
  const [, zeroMs, version, deadlineText] = text;
  const [deadline, settledAt] = typeof deadlineText === 'number' ? [deadlineText] : deadlineText;
  const isOfNewDevice = typeof text[4] === 'string';
  const devices = (isOfNewDevice ? [text.slice(4, 6)] : text[4]) as DeviceText[];
  const [tag = 0, presence = 0, stays = [], evictedUpTo] = text.slice(isOfNewDevice ? 6 : 5) as RestText;
  const histories = new Map<DeviceId, DeviceHistory>();
  const views: DeviceView[] = [];
  for (const device of devices) {
    const view = readView(device, zeroMs);
    views.push(view);
    histories.set(view.deviceId, readHistory(device, zeroMs));
  }
  const { state, sinceMs, untilMs, cause } = presence === 0 ? firstOf(views) : readPresence(presence, zeroMs);
  return {
    subject,
    version: whole(zeroMs + version),
    tag: tag === 0 ? undefined : readTag(tag, zeroMs),
    lastEventAtMs: whole(zeroMs),
    devices: histories,
    pastStays: readStays(stays, zeroMs),
    evictedUpToMs: evictedUpTo === undefined ? undefined : whole(zeroMs + evictedUpTo),
    announced: { state, sinceMs, untilMs, cause, devices: views },
    deadlineMs: whole(zeroMs + deadline),
    settledAtMs: settledAt === undefined ? undefined : whole(zeroMs + settledAt),
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
  return typeof text === 'string' ? { value: text, occurredAtMs: zeroMs } : tagAt(text[0], zeroMs + text[1]);
}

function readStays(numbers: readonly number[], zeroMs: number): Stay[] {
  const stays: Stay[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    stays.push({ startMs: whole(zeroMs + (numbers[i] ?? 0)), reachMs: whole(zeroMs + (numbers[i + 1] ?? 0)) });
  }
  return stays;
}
