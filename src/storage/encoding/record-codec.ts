// Encodes a participant's record as flat, positional JSON arrays, with times relative to the last event. Redis keeps every
// record in memory, and each callback reads one and writes one: this takes about a quarter of the size of plain JSON. Values
// that most participants share are omitted or stored as 0. The subject is not part of it: it is the key of the record.

import {
  type AvailabilityFact,
  type CurrentAvailability,
  KNOWN_AVAILABILITIES,
  NO_FACTS,
} from '../../domain/availability.js';
import type { DeviceHistory } from '../../domain/device-history.js';
import type { DeviceId } from '../../domain/lifecycle-event.js';
import type { ParticipantRecord } from '../../domain/participant.js';
import { NO_ENDS } from '../../domain/participant-ends.js';
import type { DeviceView, Presence } from '../../domain/presence-view.js';
import type { Stay } from '../../domain/stay.js';
import type { Subject } from '../../domain/subject.js';
import type { StoredRecord } from '../ports.js';
import {
  decodeHistory,
  decodeView,
  type EncodedDevice,
  type EncodedNewDevice,
  encodeDevice,
  isNew,
} from './device-codec.js';
import {
  checkedInteger,
  checkedText,
  decodeEvents,
  decodeFacts,
  decodePresence,
  type EncodedPresence,
  elementAt,
  encodePresence,
  pushEvent,
} from './field-codecs.js';
import { decodeGivenLabels, type EncodedLabels, encodeGivenLabels } from './label-codec.js';
import { type SubjectKey, subjectOf } from './subject-key.js';

/** A later version must also read this format; it writes its own with the next commit. */
const FORMAT = 1;

/** deadline, or deadline and settledAt */
type EncodedDeadline = number | [number, number];
/**
 * format, lastEventAt, version − lastEventAt (versions start as a time), deadline; the devices, or the two values of a single
 * new device; options
 */
type EncodedRecord =
  | [typeof FORMAT, number, number, EncodedDeadline, EncodedDevice[], ...EncodedOptions]
  | [typeof FORMAT, number, number, EncodedDeadline, ...EncodedNewDevice, ...EncodedOptions];
/**
 * Trailing defaults are omitted: tag, 0 for none, with its time unless the last event set it; presence, 0 if equal to that of
 * the first device; start and reach of each past stay; evictedUpTo, null for none; the values of the participant's ends; the
 * availability, 0 if it is unknown, or its value and start, then the values of its facts, or 0 for no facts; the reference, as the
 * tag, 0 for none; the labels
 */
type EncodedOptions = [
  (EncodedText | 0)?,
  (EncodedPresence | 0)?,
  number[]?,
  (number | null)?,
  unknown[]?,
  ([number | [number, number], ...unknown[]] | 0)?,
  (EncodedText | 0)?,
  EncodedLabels?,
];
/** a text, with its time unless the last event set it */
type EncodedText = string | [string, number];
type StatedText = NonNullable<ParticipantRecord['tag']>;

export function encodeRecord(record: ParticipantRecord): StoredRecord {
  const { lastEventAtMs: baseMs, version, deadlineMs, settledAtMs, announced, tag, participantRef, labels } = record;
  const { pastStays, evictedUpToMs, ends, availabilityFacts: facts } = record;
  const devices = announced.devices.map((view) => encodeDevice(view, record.devices.get(view.deviceId), baseMs));
  const deadline = deadlineMs - baseMs;
  const encodedDeadline = settledAtMs === undefined ? deadline : [deadline, settledAtMs - baseMs];
  const text: unknown[] = [FORMAT, baseMs, version - baseMs, encodedDeadline];
  const [device] = devices;
  if (device && isNew(device) && devices.length === 1) text.push(device[0], device[1]);
  else text.push(devices);
  const presence = isSamePresence(announced, announced.devices[0]) ? 0 : encodePresence(announced, baseMs);
  const hasLists = [pastStays, ends, facts].some(({ length }) => length > 0);
  const isStated = participantRef !== undefined || labels !== undefined;
  const isLong = hasLists || evictedUpToMs !== undefined || isStated;
  if (tag) text.push(encodeText(tag, baseMs));
  if (presence === 0 && !isLong) return JSON.stringify(text);
  if (!tag) text.push(0);
  text.push(presence);
  if (isLong) text.push(pastStays.flatMap(({ startMs, reachMs }) => [startMs - baseMs, reachMs - baseMs]));
  if (evictedUpToMs !== undefined) text.push(evictedUpToMs - baseMs);
  if (ends.length === 0 && facts.length === 0 && !isStated) return JSON.stringify(text);
  if (evictedUpToMs === undefined) text.push(null);
  const values: unknown[] = [];
  for (const end of ends) pushEvent(values, end, baseMs);
  text.push(values);
  if (facts.length > 0) text.push(encodeAvailability(announced.availability, facts, baseMs));
  else if (isStated) text.push(0);
  if (isStated) text.push(participantRef ? encodeText(participantRef, baseMs) : 0);
  if (labels) text.push(encodeGivenLabels(labels, baseMs));
  return JSON.stringify(text);
}

function encodeText({ value, occurredAtMs }: StatedText, baseMs: number): EncodedText {
  return occurredAtMs === baseMs ? value : [value, occurredAtMs - baseMs];
}

function encodeAvailability(
  current: CurrentAvailability | undefined,
  facts: readonly AvailabilityFact[],
  baseMs: number,
): unknown[] {
  const values: unknown[] = [current ? [KNOWN_AVAILABILITIES.indexOf(current.value), current.sinceMs - baseMs] : 0];
  for (const fact of facts) pushEvent(values, fact, baseMs);
  return values;
}

/** undefined: it cannot be decoded. */
export function readableRecord(key: SubjectKey, stored: StoredRecord): ParticipantRecord | undefined {
  try {
    return decodeRecord(key, stored);
  } catch {
    return undefined;
  }
}

/** Throws if the text is not a valid record. The error is logged, so it must not quote the text. */
export function decodeRecord(key: SubjectKey, stored: StoredRecord): ParticipantRecord {
  const text = parse(stored);
  if (text[0] !== FORMAT) throw new Error('a record has an unknown format');
  return toRecord(subjectOf(key), text as unknown as EncodedRecord);
}

function parse(stored: StoredRecord): readonly unknown[] {
  let text: unknown;
  try {
    text = JSON.parse(stored);
  } catch {
    // Dropped, because its message quotes the text.
  }
  if (Array.isArray(text)) return text;
  throw new Error('a record is not a JSON array');
}

function toRecord(subject: Subject, text: EncodedRecord): ParticipantRecord {
  const [, baseMs, version, encodedDeadline] = text;
  const [deadline, settledAt] = typeof encodedDeadline === 'number' ? [encodedDeadline] : encodedDeadline;
  const hasOnlyNewDevice = typeof text[4] === 'string';
  const devices = (hasOnlyNewDevice ? [text.slice(4, 6)] : text[4]) as EncodedDevice[];
  const options = text.slice(hasOnlyNewDevice ? 6 : 5) as EncodedOptions;
  const [tag = 0, presence = 0, stays = [], evictedUpTo, ends = [], facts = 0, participantRef = 0, labels] = options;
  const availability = facts === 0 ? undefined : decodeAvailability(facts[0], baseMs);
  const histories = new Map<DeviceId, DeviceHistory>();
  const views: DeviceView[] = [];
  for (const device of devices) {
    const view = decodeView(device, baseMs);
    views.push(view);
    histories.set(view.deviceId, decodeHistory(device, baseMs));
  }
  const { state, sinceMs, untilMs, cause, isDoubtful } =
    presence === 0 ? firstOf(views) : decodePresence(presence, baseMs);
  return {
    subject,
    version: checkedInteger(baseMs + version),
    tag: tag === 0 ? undefined : decodeText(tag, baseMs),
    participantRef: participantRef === 0 ? undefined : decodeText(participantRef, baseMs),
    labels: labels && decodeGivenLabels(labels, baseMs),
    lastEventAtMs: checkedInteger(baseMs),
    devices: histories,
    ends: ends.length > 0 ? decodeEvents(ends, 0, baseMs) : NO_ENDS,
    availabilityFacts: facts !== 0 ? decodeFacts(facts, 1, baseMs) : NO_FACTS,
    pastStays: decodeStays(stays, baseMs),
    evictedUpToMs: evictedUpTo == null ? undefined : checkedInteger(baseMs + evictedUpTo),
    announced: { state, sinceMs, untilMs, cause, isDoubtful, devices: views, ...(availability && { availability }) },
    deadlineMs: checkedInteger(baseMs + deadline),
    settledAtMs: settledAt === undefined ? undefined : checkedInteger(baseMs + settledAt),
  };
}

function isSamePresence({ state, sinceMs, untilMs, cause, isDoubtful }: Presence, device?: DeviceView): boolean {
  const isSame = state === device?.state && sinceMs === device.sinceMs && untilMs === device.untilMs;
  return isSame && cause === device.cause && isDoubtful === device.isDoubtful;
}

function firstOf(views: readonly DeviceView[]): DeviceView {
  const [first] = views;
  if (!first) throw new Error('a record has no devices');
  return first;
}

function decodeText(text: EncodedText, baseMs: number): StatedText {
  return typeof text === 'string' ? { value: text, occurredAtMs: baseMs } : checkedText(text[0], baseMs + text[1]);
}

function decodeAvailability(
  current: number | [number, number] | undefined,
  baseMs: number,
): CurrentAvailability | undefined {
  if (!Array.isArray(current)) return undefined;
  const [index, since] = current;
  return { value: elementAt(KNOWN_AVAILABILITIES, index), sinceMs: checkedInteger(baseMs + since) };
}

function decodeStays(numbers: readonly number[], baseMs: number): Stay[] {
  const stays: Stay[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    stays.push({
      startMs: checkedInteger(baseMs + (numbers[i] ?? 0)),
      reachMs: checkedInteger(baseMs + (numbers[i + 1] ?? 0)),
    });
  }
  return stays;
}
