// A lifecycle event is a normalised fact about one device, whatever provider it came from.
// It has two times. `occurredAtMs` is the provider's: it orders events and measures gaps. `receivedAtMs` is ours: grace and
// expiry are counted from it, so that neither a skewed clock nor a replay of old events ends a live connection.
import type { Subject } from './subject.js';

export type DeviceId = string & { readonly brand: 'DeviceId' };

/** `ended` comes from an operator, the others from the provider. */
export type EventKind = 'connected' | 'disconnected' | 'left' | 'ended';

export interface LifecycleEvent {
  readonly subject: Subject;
  readonly deviceId: DeviceId;
  readonly kind: EventKind;
  readonly occurredAtMs: number;
  readonly receivedAtMs: number;
  /** How exact `occurredAtMs` is: some providers send whole seconds. */
  readonly precisionMs: 1 | 1000;
  /** The provider's, if it has one that is the same when an event is sent again. */
  readonly eventId?: string;
  /** The provider's, if it numbers the events of a device in order; 0 or more. */
  readonly sequence?: number;
  readonly tag?: string;
}

/** What is kept of an event in the history of its device. */
export type DeviceEvent = Omit<LifecycleEvent, 'subject' | 'deviceId' | 'tag'>;

/** Beyond this a provider's clock is wrong, not merely skewed. */
const MAX_AHEAD_MS = 5 * 60_000;

// At the same millisecond an end follows its connect, and `left` has the last word of the provider. An operator's end
// is given the time of the newest event that it ends, and so follows that one and nothing later.
const RANK: Record<EventKind, number> = { connected: 0, disconnected: 1, left: 2, ended: 3 };

/** An operator's end never is: its time is that of an event which is in its place already. */
export function isAhead(event: DeviceEvent): boolean {
  return event.occurredAtMs - event.receivedAtMs > MAX_AHEAD_MS && event.kind !== 'ended';
}

/** The time an event is ordered by. One far ahead counts as now: else "newer wins" would freeze its device for long. */
export function orderedAtMs(event: DeviceEvent): number {
  return isAhead(event) ? event.receivedAtMs : event.occurredAtMs;
}

/** Whether the provider sent one event twice. Without an id of its own, an event is what happened at what time. */
export function isSameEvent(a: DeviceEvent, b: DeviceEvent): boolean {
  if (a.kind !== b.kind || a.eventId !== b.eventId) return false;
  if (a.eventId !== undefined) return true;
  return a.occurredAtMs === b.occurredAtMs && a.precisionMs === b.precisionMs && a.sequence === b.sequence;
}

/**
 * Events of one device in order. It depends on the events alone, not on the order in which they are given: by time, and those
 * that have a sequence take each other's places by it.
 */
export function inOrder<T extends DeviceEvent>(events: readonly T[]): T[] {
  const byTime = events.toSorted(compareTimes);
  const sequenced = byTime.filter(({ sequence }) => sequence !== undefined);
  if (sequenced.length === 0) return byTime;
  const next = sequenced.sort(compareSequences).values();
  return byTime.map((event) => (event.sequence === undefined ? event : (next.next().value ?? event)));
}

/** `events` are in order already. */
export function insertInOrder(events: readonly DeviceEvent[], event: DeviceEvent): DeviceEvent[] {
  const isSequenced = event.sequence !== undefined || events.some(({ sequence }) => sequence !== undefined);
  if (isSequenced) return inOrder([...events, event]);
  const after = events.findIndex((other) => compareTimes(event, other) < 0);
  return events.toSpliced(after === -1 ? events.length : after, 0, event);
}

/** Whether `event` comes after `other`, as far as these two alone can tell. */
export function isAfter(event: DeviceEvent, other: DeviceEvent): boolean {
  const areSequenced = event.sequence !== undefined && other.sequence !== undefined;
  return (areSequenced ? compareSequences(event, other) : compareTimes(event, other)) > 0;
}

function compareSequences(a: DeviceEvent, b: DeviceEvent): number {
  return (a.sequence ?? 0) - (b.sequence ?? 0) || compareTimes(a, b);
}

/** A total order; 0 only for the same event. Within one second of a provider that sends whole seconds, receipt decides. */
function compareTimes(a: DeviceEvent, b: DeviceEvent): number {
  return (
    orderedAtMs(a) - orderedAtMs(b) ||
    a.precisionMs - b.precisionMs ||
    (a.precisionMs === 1 ? 0 : a.receivedAtMs - b.receivedAtMs) ||
    RANK[a.kind] - RANK[b.kind] ||
    a.occurredAtMs - b.occurredAtMs ||
    (a.sequence ?? -1) - (b.sequence ?? -1) ||
    compareTexts(a.eventId ?? '', b.eventId ?? '')
  );
}

function compareTexts(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
