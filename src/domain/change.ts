// A change is one visible difference between the presence last announced for a participant and its presence now.
// It is announced exactly once: the record that marks the new view as announced is stored in the same commit.
import type { CurrentAvailability } from './availability.js';
import type { GoneCause } from './connection.js';
import type { Connections, DeviceConnection } from './device-connections.js';
import { areSame, type Labels, NO_LABELS } from './labels.js';
import {
  type DeviceId,
  isAvailability,
  isObservation,
  isOperators,
  type KeptEvent,
  orderedAtMs,
} from './lifecycle-event.js';
import {
  type DeviceView,
  PARTICIPANT_STATES,
  type ParticipantState,
  type ParticipantView,
  PRESENCE_STATES,
  type Presence,
  type PresenceState,
} from './presence-view.js';
import type { Subject } from './subject.js';

/**
 * `updated`: the state is the same, but the tag, the reference, the labels, the availability, an earlier connection of the device or
 * another detail differs from what was announced.
 */
export type ChangeType = `participant.${ParticipantState | 'updated'}` | `device.${PresenceState | 'updated'}`;

export const CHANGE_TYPES: readonly ChangeType[] = [
  ...([...PARTICIPANT_STATES, 'updated'] as const).map((verb) => `participant.${verb}` as const),
  ...([...PRESENCE_STATES, 'updated'] as const).map((verb) => `device.${verb}` as const),
];

export interface Change {
  readonly type: ChangeType;
  readonly subject: Subject;
  readonly deviceId?: DeviceId;
  readonly tag?: string;
  /** Set when a participant's tag changes, so that clients that filter by the previous tag see the participant leave. */
  readonly previousTag?: string;
  /** A backend's own reference to the participant. */
  readonly participantRef?: string;
  /** undefined: none. */
  readonly labels?: Labels;
  /** As previousTag. */
  readonly previousLabels?: Labels;
  readonly state: ParticipantState;
  /** null: the participant or device was not known before. */
  readonly previousState: ParticipantState | null;
  readonly cause?: GoneCause;
  readonly isDoubtful?: true;
  /** Only of a participant; undefined: unknown. */
  readonly availability?: CurrentAvailability;
  /** Only of a device. Absent in a change that an earlier version announced. */
  readonly connection?: DeviceConnection;
  readonly sinceMs: number;
  /** Provider time of the event that caused the change; null if elapsed time, an operator or an observation caused it. */
  readonly occurredAtMs: number | null;
  /** When that event or observation was received, the operator ended the presence, or the deadline was processed. */
  readonly receivedAtMs: number;
  readonly version: number;
}

/** Everything about a participant that is visible to clients. */
export interface Announcement {
  readonly subject: Subject;
  readonly tag?: string;
  readonly participantRef?: string;
  readonly labels: Labels;
  readonly version: number;
  readonly view: ParticipantView;
}

/** Without a device: of all devices, or of availability. */
type AppliedEvent = KeptEvent & { readonly deviceId?: DeviceId | undefined };

/**
 * The differences between two announcements: devices first, then their participant.
 * `applied`: the events between the two, in order; empty if only time has passed. `connectionsOf`: those of a device.
 */
export function changesBetween(
  before: Omit<Announcement, 'version'> | undefined,
  after: Announcement,
  applied: readonly AppliedEvent[],
  nowMs: number,
  connectionsOf?: (deviceId: DeviceId, before: DeviceView | undefined) => Connections | undefined,
): Change[] {
  const { view } = after;
  const changes: Change[] = [];
  const ofDevices = applied.filter((event) => !isAvailability(event) && event.kind !== 'set-labels');
  for (const device of view.devices) {
    const known = before?.view.devices.find(({ deviceId }) => deviceId === device.deviceId);
    const connections = connectionsOf?.(device.deviceId, known);
    const verb = difference(known, device) ?? (connections?.isOther ? 'updated' : undefined);
    if (verb === undefined) continue;
    const event = ofDevices.findLast(({ deviceId = device.deviceId }) => deviceId === device.deviceId);
    const own = change(`device.${verb}`, after, { now: device, before: known, event, nowMs });
    changes.push(connections ? { ...own, connection: connections.current } : own);
  }
  const isOtherTag = before !== undefined && before.tag !== after.tag;
  const isOtherRef = before !== undefined && before.participantRef !== after.participantRef;
  const areOtherLabels = before !== undefined && !areSame(before.labels, after.labels);
  const isOther = isOtherTag || isOtherRef || areOtherLabels;
  const verb = difference(before?.view, view) ?? (isOther ? 'updated' : undefined);
  if (verb !== undefined) {
    const own = change(`participant.${verb}`, after, { now: view, before: before?.view, event: applied.at(-1), nowMs });
    changes.push({
      ...own,
      ...(isOtherTag && before.tag !== undefined && { previousTag: before.tag }),
      ...(areOtherLabels && before.labels !== NO_LABELS && { previousLabels: before.labels }),
    });
  }
  return changes;
}

type Visible<S extends ParticipantState = ParticipantState> = Presence<S> &
  Partial<Omit<DeviceView, 'state'>> &
  Pick<ParticipantView, 'availability'>;

function difference<S extends ParticipantState>(
  before: Visible | undefined,
  after: Visible<S>,
): S | 'updated' | undefined {
  if (before?.state !== after.state) return after.state;
  const isSame =
    before.sinceMs === after.sinceMs &&
    before.untilMs === after.untilMs &&
    before.cause === after.cause &&
    before.isDoubtful === after.isDoubtful &&
    before.availability?.value === after.availability?.value &&
    before.availability?.sinceMs === after.availability?.sinceMs &&
    before.connectedAtMs === after.connectedAtMs &&
    before.interruptions === after.interruptions;
  return isSame ? undefined : 'updated';
}

interface Difference {
  readonly now: Visible;
  readonly before: Visible | undefined;
  readonly event: KeptEvent | undefined;
  readonly nowMs: number;
}

function change(type: ChangeType, after: Announcement, { now, before, event, nowMs }: Difference): Change {
  return {
    type,
    subject: after.subject,
    deviceId: now.deviceId,
    tag: after.tag,
    ...(after.participantRef !== undefined && { participantRef: after.participantRef }),
    ...(after.labels !== NO_LABELS && { labels: after.labels }),
    state: now.state,
    previousState: before?.state ?? null,
    cause: now.cause,
    ...(now.isDoubtful && { isDoubtful: true }),
    ...(now.availability && { availability: now.availability }),
    sinceMs: now.sinceMs,
    occurredAtMs: event && !isOperators(event) && !isObservation(event) ? orderedAtMs(event) : null,
    receivedAtMs: event ? event.receivedAtMs : nowMs,
    version: after.version,
  };
}
