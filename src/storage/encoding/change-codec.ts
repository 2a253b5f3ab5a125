// Encodes the changes of one commit as a feed entry: a positional JSON array, to save memory like record-codec.ts. Values
// that all changes share are stored once.

import { KNOWN_AVAILABILITIES, type KnownAvailability } from '../../domain/availability.js';
import { CHANGE_TYPES, type Change, type ChangeType } from '../../domain/change.js';
import type { GoneCause } from '../../domain/connection.js';
import type { Labels } from '../../domain/labels.js';
import type { DeviceId } from '../../domain/lifecycle-event.js';
import { PARTICIPANT_STATES, type ParticipantState } from '../../domain/presence-view.js';
import type { ParticipantId, SourceName, Subject } from '../../domain/subject.js';
import { isTimeMs } from '../../runtime/rfc3339.js';
import {
  areConnections,
  decodeDeviceConnection,
  type EncodedDeviceConnection,
  encodeConnections,
} from './change-connections.js';
import { STORED_CAUSES } from './field-codecs.js';
import { areLabels } from './label-codec.js';

/**
 * participant, source, tag, version, changes. Trailing defaults are omitted: scope, '' for none; reference, 0 for none; labels, and
 * those that the change of the participant has replaced, 0 for none; the connections of the changes that are of devices
 */
type EncodedEntry = [
  ParticipantId,
  SourceName,
  string | 0,
  number,
  EncodedChange[],
  string?,
  (string | 0)?,
  (Labels | 0)?,
  (Labels | 0)?,
  EncodedDeviceConnection[]?,
];

/** type, device, previous tag, state, previous state, cause, since, at, receivedAt; 1 if doubtful; availability and its start */
type EncodedChange = [
  ChangeType,
  DeviceId | 0,
  string | 0,
  ParticipantState,
  ParticipantState | 0,
  GoneCause | 0,
  number,
  number | null,
  number,
  (0 | 1)?,
  KnownAvailability?,
  number?,
];

/** `changes`: all changes of one commit for one participant. null: there are none. */
export function encodeChanges(changes: readonly Change[]): string | null {
  const [first] = changes;
  if (!first) return null;
  const { subject, tag, participantRef, labels, version } = first;
  const { previousLabels } = changes.at(-1) ?? first;
  const { source, scope, participantId } = subject;
  const text: EncodedEntry = [participantId, source, tag ?? 0, version, changes.map(encodeChange)];
  const connections = encodeConnections(changes);
  const hasMore = labels !== undefined || previousLabels !== undefined || connections !== undefined;
  if (scope !== '' || participantRef !== undefined || hasMore) text.push(scope);
  if (participantRef !== undefined || hasMore) text.push(participantRef ?? 0);
  if (hasMore) text.push(labels ?? 0);
  if (previousLabels || connections) text.push(previousLabels ?? 0);
  if (connections) text.push(connections);
  return JSON.stringify(text);
}

/** null: not a result of `encodeChanges`. All values are validated, because readers rely on them. */
export function decodeChanges(text: string): Change[] | null {
  const entry = parse(text);
  if (!isEntry(entry)) return null;
  const { 0: participantId, 1: source, 4: changes, 5: scope = '', 9: connections } = entry;
  const subject: Subject = { source, scope, participantId };
  return changes.map((encoded, index) => decodeChange(encoded, entry, subject, connections?.[index]));
}

/** Member by member, which takes a fraction of the time of an object that is spread from parts: this runs for every change and reader. */
function decodeChange(
  encoded: EncodedChange,
  entry: EncodedEntry,
  subject: Subject,
  connection: EncodedDeviceConnection | undefined,
): Change {
  const [type, deviceId, previousTag, state, previousState, cause, sinceMs, occurredAtMs, receivedAtMs] = encoded;
  // By number: to go through all members takes longer.
  const { 9: isDoubtful, 10: availability, 11: availabilitySinceMs = 0 } = encoded;
  const { 2: tag, 3: version, 6: participantRef = 0, 7: labels, 8: previousLabels } = entry;
  const change: { -readonly [Name in keyof Change]: Change[Name] } = {
    type,
    subject,
    state,
    previousState: previousState === 0 ? null : previousState,
    sinceMs,
    occurredAtMs,
    receivedAtMs,
    version,
  };
  if (tag !== 0) change.tag = tag;
  if (cause !== 0) change.cause = cause;
  if (participantRef !== 0) change.participantRef = participantRef;
  if (labels) change.labels = labels;
  if (isDoubtful) change.isDoubtful = true;
  if (availability) change.availability = { value: availability, sinceMs: availabilitySinceMs };
  if (previousTag !== 0) change.previousTag = previousTag;
  if (deviceId === 0) {
    if (previousLabels) change.previousLabels = previousLabels;
    return change;
  }
  change.deviceId = deviceId;
  const decoded = decodeDeviceConnection(connection, state, sinceMs);
  if (decoded) change.connection = decoded;
  return change;
}

function encodeChange(change: Change): EncodedChange {
  const { type, deviceId, previousTag, state, previousState, cause, sinceMs, occurredAtMs, receivedAtMs } = change;
  const text: EncodedChange = [
    type,
    deviceId ?? 0,
    previousTag ?? 0,
    state,
    previousState ?? 0,
    cause ?? 0,
    sinceMs,
    occurredAtMs,
    receivedAtMs,
  ];
  const { availability } = change;
  if (change.isDoubtful || availability) text.push(change.isDoubtful ? 1 : 0);
  if (availability) text.push(availability.value, availability.sinceMs);
  return text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isEntry(value: unknown): value is EncodedEntry {
  if (!Array.isArray(value)) return false;
  const [participantId, source, tag, version, changes, scope = '', participantRef = 0, ...rest] = value as unknown[];
  const [labels = 0, previousLabels = 0, connections] = rest;
  return (
    typeof participantId === 'string' &&
    typeof source === 'string' &&
    typeof scope === 'string' &&
    (participantRef === 0 || typeof participantRef === 'string') &&
    (labels === 0 || areLabels(labels)) &&
    (previousLabels === 0 || areLabels(previousLabels)) &&
    (tag === 0 || typeof tag === 'string') &&
    Number.isSafeInteger(version) &&
    Array.isArray(changes) &&
    changes.length > 0 &&
    changes.every(isChange) &&
    (connections === undefined ||
      areConnections(
        connections,
        changes.map(([, , , , , , sinceMs]) => sinceMs),
      ))
  );
}

function isChange(value: unknown): value is EncodedChange {
  if (!Array.isArray(value)) return false;
  const [type, deviceId, previousTag, state, previousState, cause, sinceMs, occurredAtMs, receivedAtMs, ...rest] =
    value as unknown[];
  const [doubtful = 0, availability, availabilitySinceMs] = rest;
  return (
    isOneOf(CHANGE_TYPES, type) &&
    (deviceId === 0 || typeof deviceId === 'string') &&
    (previousTag === 0 || typeof previousTag === 'string') &&
    isOneOf(PARTICIPANT_STATES, state) &&
    (previousState === 0 || isOneOf(PARTICIPANT_STATES, previousState)) &&
    (cause === 0 || isOneOf(STORED_CAUSES, cause)) &&
    isTimeMs(sinceMs) &&
    (occurredAtMs === null || isTimeMs(occurredAtMs)) &&
    isTimeMs(receivedAtMs) &&
    (doubtful === 0 || doubtful === 1) &&
    (availability === undefined || (isOneOf(KNOWN_AVAILABILITIES, availability) && isTimeMs(availabilitySinceMs)))
  );
}

function isOneOf(values: readonly unknown[], value: unknown): boolean {
  return values.includes(value);
}
