// The record of a participant and the one function that advances it: received events and the current time go in, the new
// record and the changes to announce come out. The record also holds the last announced view, so one commit stores both.
import { type AvailabilityFact, availabilityIn } from './availability.js';
import { type Change, changesBetween } from './change.js';
import { nextDeadlineMs } from './deadline.js';
import { connectionsOf } from './device-connections.js';
import { compact, type DeviceHistory, type FoldedEvent, fold, lastEventAtMs, type Verdict } from './device-history.js';
import { type HeldDevice, isOutdated, limitDevices, wasSeenToConnect } from './eviction.js';
import { type Inserted, insertAll } from './insertion.js';
import type { GivenLabels } from './labels.js';
import { type DeviceEvent, type DeviceId, orderedAtMs, type RecordedEvent } from './lifecycle-event.js';
import type { Observer } from './observer.js';
import { supersede } from './one-device.js';
import { viewOfExpected } from './operator-labels.js';
import { forgetAtMs, limitEnds, viewWithoutDevices } from './participant-ends.js';
import type { PresencePolicy } from './policy.js';
import {
  type DeviceView,
  elapsed,
  type ParticipantView,
  participantView,
  type SettledDevice,
} from './presence-view.js';
import { areSame, currentStatements, type Statements } from './statements.js';
import { MAX_PAST_STAYS, mergeStays, type Stay, stayOf } from './stay.js';
import type { Subject } from './subject.js';

export interface ParticipantRecord extends Statements {
  readonly subject: Subject;
  /**
   * Incremented by every commit that announces something. Starts at the time of the first commit, so that it keeps growing
   * even if the record is deleted and the participant returns.
   */
  readonly version: number;
  /** If only an operator's labels are known, the time of those. */
  readonly lastEventAtMs: number;
  /** Empty if only ends or facts of availability were received, or labels were given. */
  readonly devices: ReadonlyMap<DeviceId, DeviceHistory>;
  /** Ends of all devices, in order. */
  readonly ends: readonly DeviceEvent[];
  /** In order. */
  readonly availabilityFacts: readonly AvailabilityFact[];
  /** Stays of connections that are no longer in any of `devices`. */
  readonly pastStays: readonly Stay[];
  /** An event up to this time is stale if its device is not in `devices`, because that device may have been evicted. */
  readonly evictedUpToMs?: number;
  /** The last announced view. */
  readonly announced: ParticipantView;
  /** When, on our clock, the view changes or the record is deleted if no event arrives. */
  readonly deadlineMs: number;
  /**
   * The time, on our clock, at which the record was last advanced. A node whose clock is behind uses it, so that ended
   * presence does not return.
   * undefined while nothing can have ended: every device is open, and no fact of availability has an end.
   */
  readonly settledAtMs?: number;
}

export interface Advance {
  /** undefined if the participant is unknown or past retention; the input itself if there is nothing to commit. */
  readonly record: ParticipantRecord | undefined;
  readonly changes: readonly Change[];
  /** One for each event, in the order given. */
  readonly verdicts: readonly Verdict[];
}

/** `events`: events of one participant, in any order. `clockMs`: the current time on our clock. */
export function advance(
  before: ParticipantRecord | undefined,
  events: readonly RecordedEvent[],
  clockMs: number,
  policy: PresencePolicy,
): Advance {
  const nowMs = Math.max(clockMs, before?.settledAtMs ?? clockMs);
  const inserted = insertAll(before, events, policy);
  const { histories, ends, facts, applied, statements, verdicts } = inserted;
  const origin = before ?? applied[0];
  if (!origin || (before && nowMs < before.deadlineMs && isUnmoved(before, inserted))) {
    return { record: before, changes: [], verdicts };
  }

  const { held, excess } = limitDevices(
    settledDevices({ devices: histories, ends, evictedUpToMs: before?.evictedUpToMs }, policy, nowMs),
    (deviceId) => before?.devices.has(deviceId) ?? false,
    nowMs,
  );
  const strays = new Set(excess.filter((device) => isStray(device, before)).map(({ deviceId }) => deviceId));
  if (strays.size > 0) return advanceWithout(strays, before, events, nowMs, policy);
  const devices = excess.length === 0 ? held : [...held, ...excess];
  const pastStays = [...(before?.pastStays ?? []), ...staysBefore(devices, policy)];
  const known = { ends, facts, labels: statements.labels };
  const endsOnlyUntilMs = devices.length === 0 ? forgetAtMs(deviceless(known), policy) : nowMs;
  const { view, changesAtMs = Number.POSITIVE_INFINITY } = viewOf({ devices, pastStays, ...known }, policy, nowMs);
  const { subject } = origin;
  const version = before ? before.version + 1 : nowMs;
  const was = before && { subject, ...currentStatements(before), view: before.announced };
  const now = { subject, ...currentStatements(statements), version, view: withoutUnseen(view, excess, before) };
  const changes = changesBetween(was, now, applied, nowMs, (deviceId, announced) => {
    const device = devices.find((one) => one.deviceId === deviceId);
    const history = before?.devices.get(deviceId);
    const announcedOf = before && history && announced && { history, ends: before.ends, view: announced };
    return device && connectionsOf(device, ends, announcedOf, policy);
  });

  const outdated = held.filter((device) => isOutdated(device, devices, view.state, policy, nowMs));
  const kept = outdated.length === 0 ? held : held.filter((device) => !outdated.includes(device));
  if (kept.length === 0 && endsOnlyUntilMs <= nowMs) return { record: undefined, changes, verdicts };
  const record: ParticipantRecord = {
    subject,
    version: changes.length > 0 ? version : version - 1,
    ...statements,
    ...remember(before, { kept, released: [...excess, ...outdated], ends, facts, statements }, policy),
    announced: kept.length === devices.length ? view : { ...view, devices: viewsOf(kept, view) },
    deadlineMs: kept.length > 0 ? Math.min(nextDeadlineMs(kept, view.state, policy), changesAtMs) : endsOnlyUntilMs,
    settledAtMs: hasNotEnded(kept, facts) ? undefined : nowMs,
  };
  return { record, changes, verdicts };
}

/** All that is known of a participant without devices. */
interface Deviceless {
  readonly ends: readonly DeviceEvent[];
  readonly facts: readonly AvailabilityFact[];
  readonly labels: GivenLabels | undefined;
}

interface Viewed extends Deviceless {
  readonly devices: readonly SettledDevice[];
  readonly pastStays: readonly Stay[];
}

/** `changesAtMs`: when, on our clock, the availability changes without an event. */
export function viewOf(
  { devices, pastStays, ...known }: Viewed,
  policy: PresencePolicy,
  nowMs: number,
  observe?: Observer,
): { readonly view: ParticipantView; readonly changesAtMs?: number | undefined } {
  const presence =
    devices.length > 0
      ? participantView(devices, pastStays, policy, nowMs, observe?.presence)
      : viewOfDeviceless(known, policy, nowMs, observe?.presence);
  const { current: availability, changesAtMs } = availabilityIn(presence, known.facts, nowMs, observe?.availability);
  return { view: availability ? { ...presence, availability } : presence, changesAtMs };
}

function hasNotEnded(devices: readonly HeldDevice[], facts: readonly AvailabilityFact[]): boolean {
  const areOpen = devices.length > 0 && devices.every(({ connection }) => connection.phase === 'open');
  return areOpen && facts.every(({ untilMs }) => untilMs === undefined);
}

/**
 * The view without devices that were added and evicted by this commit: they were never announced. So a commit has at
 * most one change for each device stored before or after it, and one for the participant.
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

/** Whether an evicted device is a stray: it has no connect event and was not in the record. */
function isStray(device: HeldDevice, before: ParticipantRecord | undefined): boolean {
  return !wasSeenToConnect(device) && !before?.devices.has(device.deviceId);
}

/**
 * Advances without the events of strays and reports those as stale. They are not stored, so if they were announced, each
 * redelivery would announce them again.
 */
function advanceWithout(
  strays: ReadonlySet<DeviceId>,
  before: ParticipantRecord | undefined,
  events: readonly RecordedEvent[],
  nowMs: number,
  policy: PresencePolicy,
): Advance {
  const isOfStray = ({ deviceId }: RecordedEvent) => deviceId !== undefined && strays.has(deviceId);
  const others = events.filter((event) => !isOfStray(event));
  const { verdicts, ...rest } = advance(before, others, nowMs, policy);
  const remaining = verdicts.values();
  const all = events.map((event) => (isOfStray(event) ? 'stale' : (remaining.next().value ?? 'stale')));
  return { ...rest, verdicts: all };
}

function isUnmoved(before: ParticipantRecord, { histories, ends, facts, statements }: Inserted): boolean {
  if (before.ends !== ends || before.availabilityFacts !== facts) return false;
  for (const [deviceId, history] of histories) if (before.devices.get(deviceId) !== history) return false;
  return areSame(before, statements);
}

function deviceless({ ends, facts, labels }: Deviceless) {
  return [...ends, ...facts, ...(labels?.operator ? [labels.operator] : [])];
}

function viewOfDeviceless(
  known: Deviceless,
  policy: PresencePolicy,
  nowMs: number,
  observe?: Observer['presence'],
): ParticipantView {
  const { ends, facts, labels } = known;
  if (ends.length > 0 || !labels?.operator) return viewWithoutDevices(ends.length > 0 ? ends : facts, observe);
  return viewOfExpected(labels.operator, { untilMs: forgetAtMs(deviceless(known), policy), nowMs }, observe);
}

/** All devices as of `nowMs`, by our clock. */
export function settledDevices(
  { devices, ends, evictedUpToMs }: Pick<ParticipantRecord, 'devices' | 'ends' | 'evictedUpToMs'>,
  policy: PresencePolicy,
  nowMs: number,
  observe?: Observer,
): HeldDevice[] {
  const folded = Array.from(devices, ([deviceId, history]) => {
    const observeOne = observe && ((event: FoldedEvent) => observe.folded(deviceId, event));
    const { connection, earlier, events: folded } = fold(history, ends, policy, observeOne);
    return { deviceId, history, earlier, folded, connection };
  });
  return supersede(folded, evictedUpToMs, policy, observe?.superseded).map((device) => {
    const step = elapsed(device.connection, policy, nowMs);
    if (!step) return device;
    observe?.elapsed(device.deviceId, step);
    return { ...device, connection: step.connection };
  });
}

/** Stays of the connections before the current one of each device. */
function staysBefore(devices: readonly HeldDevice[], policy: PresencePolicy): Stay[] {
  return devices.flatMap(({ earlier }) => earlier.map((connection) => stayOf(connection, policy)));
}

function viewsOf(devices: readonly HeldDevice[], view: ParticipantView): DeviceView[] {
  return view.devices.filter(({ deviceId }) => devices.some((device) => device.deviceId === deviceId));
}

interface Remembered {
  readonly kept: readonly HeldDevice[];
  readonly released: readonly HeldDevice[];
  readonly ends: readonly DeviceEvent[];
  readonly facts: readonly AvailabilityFact[];
  readonly statements: Statements;
}

/** Builds the history part of a record. For `released` devices, only stays and the eviction time are kept. */
function remember(
  before: ParticipantRecord | undefined,
  { kept, released, ends: allEnds, facts, statements }: Remembered,
  policy: PresencePolicy,
): Pick<ParticipantRecord, 'lastEventAtMs' | 'devices' | 'ends' | 'availabilityFacts' | 'pastStays' | 'evictedUpToMs'> {
  const outlived: Stay[] = [];
  const devices = new Map<DeviceId, DeviceHistory>();
  let lastMs = before && hasEvents(before) ? before.lastEventAtMs : Number.NEGATIVE_INFINITY;
  let evictedUpToMs = before?.evictedUpToMs;
  const ends = limitEnds(allEnds);
  for (const event of [...allEnds, ...facts]) lastMs = Math.max(lastMs, orderedAtMs(event));
  // A dropped end would also have ended this connection of a device that is not known yet.
  for (const end of ends.dropped) evictedUpToMs = Math.max(evictedUpToMs ?? orderedAtMs(end), orderedAtMs(end));
  for (const device of released) {
    for (const ended of [...device.earlier, device.connection]) outlived.push(stayOf(ended, policy));
    const deviceLastMs = lastEventAtMs(device.history);
    lastMs = Math.max(lastMs, deviceLastMs);
    if (wasSeenToConnect(device)) evictedUpToMs = Math.max(evictedUpToMs ?? deviceLastMs, deviceLastMs);
  }
  for (const { deviceId, history, folded } of kept) {
    const compacted = compact(history, folded, ends, policy);
    for (const ended of compacted.earlier) outlived.push(stayOf(ended, policy));
    devices.set(deviceId, compacted.history);
    lastMs = Math.max(lastMs, lastEventAtMs(history));
  }
  if (lastMs === Number.NEGATIVE_INFINITY) lastMs = statements.labels?.operator?.occurredAtMs ?? lastMs;
  const known = before?.pastStays ?? [];
  const pastStays = outlived.length === 0 ? known : mergeStays([...known, ...outlived]).slice(-MAX_PAST_STAYS);
  return { lastEventAtMs: lastMs, devices, ends: ends.ends, availabilityFacts: facts, pastStays, evictedUpToMs };
}

/** Otherwise only labels of an operator are known. */
export function hasEvents({ devices, ends, availabilityFacts }: ParticipantRecord): boolean {
  return devices.size > 0 || ends.length > 0 || availabilityFacts.length > 0;
}
