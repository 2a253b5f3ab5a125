// The record of a participant, and the one function that moves it: events received and time passed go in, the new record
// and the changes to announce come out. What was announced is part of the record, so storing the one commits the other.
import { type Change, changesBetween } from './change.js';
import { nextDeadlineMs } from './deadline.js';
import { compact, type DeviceHistory, fold, insertEvent, lastEventAtMs, type Verdict } from './device-history.js';
import { type HeldDevice, isOutdated, limitDevices, wasSeenToConnect } from './eviction.js';
import { type DeviceEvent, type DeviceId, inOrder, type LifecycleEvent, orderedAtMs } from './lifecycle-event.js';
import type { PresencePolicy } from './policy.js';
import { type DeviceView, type ParticipantView, participantView, settle } from './presence-view.js';
import { MAX_PAST_STAYS, mergeStays, type Stay, stayOf } from './stay.js';
import type { Subject } from './subject.js';

export interface ParticipantRecord {
  readonly subject: Subject;
  /**
   * Grows by one with every commit that announces something. It begins with the time of the first one, so that it goes
   * on growing when a participant is forgotten and comes back.
   */
  readonly version: number;
  /** The newest non-empty tag, and the time of the event that gave it. */
  readonly tag?: Tag;
  readonly lastEventAtMs: number;
  readonly devices: ReadonlyMap<DeviceId, DeviceHistory>;
  /** Stays of connections that are no longer in any of `devices`. */
  readonly pastStays: readonly Stay[];
  /** An event this old, of a device not in `devices`, is stale: that device may have been there and been evicted. */
  readonly evictedUpToMs?: number;
  /** The view that was announced last. */
  readonly announced: ParticipantView;
  /** When, by our clock, the view changes or the record is to be forgotten with no event. */
  readonly deadlineMs: number;
  /**
   * Our clock when the record was settled last: what had ended by then does not come back on a node whose clock is
   * behind. undefined while every device is open, since time has ended nothing of it.
   */
  readonly settledAtMs?: number;
}

interface Tag {
  readonly value: string;
  readonly occurredAtMs: number;
}

export interface Advance {
  /** undefined: nothing is known of the participant, or no longer. The very record given: nothing to commit. */
  readonly record: ParticipantRecord | undefined;
  readonly changes: readonly Change[];
  /** One for each event, in the order given. */
  readonly verdicts: readonly Verdict[];
}

/** The record after `events`, all of one participant and in any order, were received and our clock reached `clockMs`. */
export function advance(
  before: ParticipantRecord | undefined,
  events: readonly LifecycleEvent[],
  clockMs: number,
  policy: PresencePolicy,
): Advance {
  const nowMs = Math.max(clockMs, before?.settledAtMs ?? clockMs);
  const { histories, applied, tag, verdicts } = insertAll(before, events);
  const origin = before ?? applied[0];
  if (!origin || (before && nowMs < before.deadlineMs && isUnmoved(before, histories, tag))) {
    return { record: before, changes: [], verdicts };
  }

  const { held, excess } = limitDevices(
    foldAll(histories, policy, nowMs),
    (deviceId) => before?.devices.has(deviceId) ?? false,
    nowMs,
  );
  const strays = new Set(excess.filter((device) => isStray(device, before)).map(({ deviceId }) => deviceId));
  if (strays.size > 0) return advanceWithout(strays, before, events, nowMs, policy);
  const devices = excess.length === 0 ? held : [...held, ...excess];
  const pastStays = [...(before?.pastStays ?? []), ...staysBefore(devices, policy)];
  const view = participantView(devices, pastStays, policy, nowMs);
  const { subject } = origin;
  const version = before ? before.version + 1 : nowMs;
  const was = before && { subject, tag: before.tag?.value, view: before.announced };
  const now = { subject, tag: tag?.value, version, view: withoutUnseen(view, excess, before) };
  const changes = changesBetween(was, now, applied, nowMs);

  const outdated = held.filter((device) => isOutdated(device, devices, view.state, policy, nowMs));
  const kept = outdated.length === 0 ? held : held.filter((device) => !outdated.includes(device));
  if (kept.length === 0) return { record: undefined, changes, verdicts };
  const record: ParticipantRecord = {
    subject,
    version: changes.length > 0 ? version : version - 1,
    tag,
    ...remember(before, kept, [...excess, ...outdated], policy),
    announced: kept.length === devices.length ? view : { ...view, devices: viewsOf(kept, view) },
    deadlineMs: nextDeadlineMs(kept, view.state, policy),
    settledAtMs: kept.every(({ connection }) => connection.phase === 'open') ? undefined : nowMs,
  };
  return { record, changes, verdicts };
}

/**
 * The view without devices that came and were evicted within this commit: never announced and not held now, they are no
 * difference. That bounds what one commit announces to the devices held before, those held now, and the participant.
 */
function withoutUnseen(
  view: ParticipantView,
  evicted: readonly HeldDevice[],
  before: ParticipantRecord | undefined,
): ParticipantView {
  const unseen = new Set(evicted.map(({ deviceId }) => deviceId).filter((id) => !before?.devices.has(id)));
  if (unseen.size === 0) return view;
  return { ...view, devices: view.devices.filter(({ deviceId }) => !unseen.has(deviceId)) };
}

/** An end without a connect, of a device that is not held, when there is no room for one more of them. */
function isStray(device: HeldDevice, before: ParticipantRecord | undefined): boolean {
  return !wasSeenToConnect(device) && !before?.devices.has(device.deviceId);
}

/** Events that leave no trace are stale: announced and then dropped they would be announced anew each time they come. */
function advanceWithout(
  strays: ReadonlySet<DeviceId>,
  before: ParticipantRecord | undefined,
  events: readonly LifecycleEvent[],
  nowMs: number,
  policy: PresencePolicy,
): Advance {
  const others = events.filter(({ deviceId }) => !strays.has(deviceId));
  const { verdicts, ...rest } = advance(before, others, nowMs, policy);
  const remaining = verdicts.values();
  const all = events.map(({ deviceId }) => (strays.has(deviceId) ? 'stale' : (remaining.next().value ?? 'stale')));
  return { ...rest, verdicts: all };
}

function insertAll(before: ParticipantRecord | undefined, events: readonly LifecycleEvent[]) {
  const histories = new Map(before?.devices);
  const applied: LifecycleEvent[] = [];
  let tag = before?.tag;
  const verdicts = events.map((event): Verdict => {
    const { deviceId } = event;
    const history = histories.get(deviceId);
    if (!history && orderedAtMs(event) <= (before?.evictedUpToMs ?? Number.NEGATIVE_INFINITY)) return 'stale';
    const insertion = insertEvent(history ?? { events: [] }, deviceEventOf(event));
    histories.set(deviceId, insertion.history);
    if (insertion.kept && event.tag)
      tag = newerOf(tag, { value: event.tag, occurredAtMs: orderedAtMs(insertion.kept) });
    if (insertion.verdict === 'applied') applied.push(event);
    return insertion.verdict;
  });
  return { histories, applied: inOrder(applied), tag, verdicts };
}

function deviceEventOf(event: LifecycleEvent): DeviceEvent {
  const { kind, occurredAtMs, receivedAtMs, precisionMs, eventId, sequence } = event;
  const known = { kind, occurredAtMs, receivedAtMs, precisionMs };
  if (eventId === undefined && sequence === undefined) return known;
  return { ...known, ...(eventId !== undefined && { eventId }), ...(sequence !== undefined && { sequence }) };
}

function isUnmoved(before: ParticipantRecord, histories: ReadonlyMap<DeviceId, DeviceHistory>, tag?: Tag): boolean {
  for (const [deviceId, history] of histories) if (before.devices.get(deviceId) !== history) return false;
  return before.tag?.value === tag?.value && before.tag?.occurredAtMs === tag?.occurredAtMs;
}

function foldAll(histories: ReadonlyMap<DeviceId, DeviceHistory>, policy: PresencePolicy, nowMs: number): HeldDevice[] {
  return Array.from(histories, ([deviceId, history]) => {
    const { connection, earlier } = fold(history, policy);
    return { deviceId, history, earlier, connection: settle(connection, policy, nowMs) };
  });
}

/** Of the connections that were over before the devices' present ones. */
function staysBefore(devices: readonly HeldDevice[], policy: PresencePolicy): Stay[] {
  return devices.flatMap(({ earlier }) => earlier.map((connection) => stayOf(connection, policy)));
}

function viewsOf(devices: readonly HeldDevice[], view: ParticipantView): DeviceView[] {
  return view.devices.filter(({ deviceId }) => devices.some((device) => device.deviceId === deviceId));
}

/** The part of a record that holds events: of `released` devices only their stays, and how new those that connected were. */
function remember(
  before: ParticipantRecord | undefined,
  kept: readonly HeldDevice[],
  released: readonly HeldDevice[],
  policy: PresencePolicy,
): Pick<ParticipantRecord, 'lastEventAtMs' | 'devices' | 'pastStays' | 'evictedUpToMs'> {
  const outlived: Stay[] = [];
  const devices = new Map<DeviceId, DeviceHistory>();
  let lastMs = before?.lastEventAtMs ?? Number.NEGATIVE_INFINITY;
  let evictedUpToMs = before?.evictedUpToMs;
  for (const device of released) {
    for (const ended of [...device.earlier, device.connection]) outlived.push(stayOf(ended, policy));
    const deviceLastMs = lastEventAtMs(device.history);
    lastMs = Math.max(lastMs, deviceLastMs);
    if (wasSeenToConnect(device)) evictedUpToMs = Math.max(evictedUpToMs ?? deviceLastMs, deviceLastMs);
  }
  for (const { deviceId, history } of kept) {
    const compacted = compact(history, policy);
    for (const ended of compacted.earlier) outlived.push(stayOf(ended, policy));
    devices.set(deviceId, compacted.history);
    lastMs = Math.max(lastMs, lastEventAtMs(history));
  }
  const known = before?.pastStays ?? [];
  const pastStays = outlived.length === 0 ? known : mergeStays([...known, ...outlived]).slice(-MAX_PAST_STAYS);
  return { lastEventAtMs: lastMs, devices, pastStays, evictedUpToMs };
}

/** An event without a tag erases none. Of two at one millisecond the greater string, so that their order is no matter. */
function newerOf(a: Tag | undefined, b: Tag): Tag {
  return a && (a.occurredAtMs - b.occurredAtMs || (a.value < b.value ? -1 : 1)) > 0 ? a : b;
}
