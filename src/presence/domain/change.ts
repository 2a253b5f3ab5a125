// A change is one visible difference between what was announced of a participant and what is true now.
// It is announced once: the record that holds the new view as announced is stored in the same commit.
import type { GoneCause } from './connection.js';
import { type DeviceEvent, type DeviceId, orderedAtMs, type ParticipantId } from './lifecycle-event.js';
import {
  type DeviceView,
  type ParticipantView,
  PRESENCE_STATES,
  type Presence,
  type PresenceState,
} from './presence-view.js';

/** `updated`: the same state, but its tag, its cause or another detail is not what was announced. */
export type ChangeType = `${'participant' | 'device'}.${PresenceState | 'updated'}`;

export const CHANGE_TYPES: readonly ChangeType[] = (['participant', 'device'] as const).flatMap((subject) =>
  ([...PRESENCE_STATES, 'updated'] as const).map((verb) => `${subject}.${verb}` as const),
);

export interface Change {
  readonly type: ChangeType;
  readonly participantId: ParticipantId;
  readonly deviceId?: DeviceId;
  readonly source: string;
  readonly tag?: string;
  /** In a participant's change that changes its tag, the one before: who follows that one is to know. */
  readonly previousTag?: string;
  readonly state: PresenceState;
  /** null: never heard of before. */
  readonly previousState: PresenceState | null;
  readonly cause?: GoneCause;
  readonly sinceMs: number;
  /** Provider's time of the event that brought it about; null when time passing did. */
  readonly atMs: number | null;
  /** When we heard that event, or noticed that the time had passed. */
  readonly heardAtMs: number;
  readonly version: number;
}

/** A view with all else that is visible of a participant. */
export interface Announcement {
  readonly participantId: ParticipantId;
  readonly source: string;
  readonly tag?: string;
  readonly version: number;
  readonly view: ParticipantView;
}

const DETAILS = ['sinceMs', 'untilMs', 'cause', 'connectedAtMs', 'interruptions'] as const;

type AppliedEvent = DeviceEvent & { readonly deviceId: DeviceId };

/**
 * What differs between two announcements, devices before their participant; nothing when nothing does.
 * `applied`: the events that led from one to the other, in order, none when time did.
 */
export function changesBetween(
  before: Omit<Announcement, 'version'> | undefined,
  after: Announcement,
  applied: readonly AppliedEvent[],
  nowMs: number,
): Change[] {
  const { participantId, source, tag, version, view } = after;
  const subject = { participantId, source, ...(tag !== undefined && { tag }) };
  const known = new Map(before?.view.devices.map((device) => [device.deviceId, device]));
  const changes: Change[] = [];
  for (const device of view.devices) {
    const verb = difference(known.get(device.deviceId), device);
    if (verb === undefined) continue;
    const { deviceId } = device;
    const cause = applied.findLast((event) => event.deviceId === deviceId);
    const previousState = known.get(deviceId)?.state ?? null;
    changes.push({
      type: `device.${verb}`,
      ...subject,
      deviceId,
      ...outcome(device, previousState),
      ...origin(cause, nowMs),
      version,
    });
  }
  const verb = difference(before?.view, view) ?? (before && before.tag !== tag ? 'updated' : undefined);
  if (verb !== undefined) {
    const previousState = before?.view.state ?? null;
    changes.push({
      type: `participant.${verb}`,
      ...subject,
      ...(before?.tag !== undefined && before.tag !== tag && { previousTag: before.tag }),
      ...outcome(view, previousState),
      ...origin(applied.at(-1), nowMs),
      version,
    });
  }
  return changes;
}

type Visible = Presence & Partial<DeviceView>;

function difference(before: Visible | undefined, after: Visible): PresenceState | 'updated' | undefined {
  if (before?.state !== after.state) return after.state;
  return DETAILS.some((detail) => before[detail] !== after[detail]) ? 'updated' : undefined;
}

function outcome({ state, sinceMs, cause }: Visible, previousState: PresenceState | null) {
  return { state, previousState, ...(cause && { cause }), sinceMs };
}

function origin(event: DeviceEvent | undefined, nowMs: number) {
  return event ? { atMs: orderedAtMs(event), heardAtMs: event.heardAtMs } : { atMs: null, heardAtMs: nowMs };
}
