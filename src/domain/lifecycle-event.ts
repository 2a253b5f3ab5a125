// A lifecycle event is a normalised, provider-independent event of one device.
// It has two times. `occurredAtMs` is the provider's: it orders events and measures gaps. `receivedAtMs` is ours: grace and
// expiry are counted from it, so that neither clock skew nor a replay of old events ends a live connection.
import type { Labels } from './labels.js';
import type { PresencePolicy } from './policy.js';
import type { SourceName, Subject } from './subject.js';

export type DeviceId = string & { readonly brand: 'DeviceId' };

export type ProviderEventKind = 'connected' | 'disconnected' | 'left';

/**
 * `ended` is an operator's. `seen` and `unseen` are observations: whether the provider's own API listed the device when it
 * was asked.
 */
export type EventKind = ProviderEventKind | 'ended' | 'seen' | 'unseen';

export type ParticipantEndKind = 'participant-disconnected' | 'participant-left';

export type ProviderAvailabilityKind = 'available' | 'busy';

/** The last three are an operator's. */
export type AvailabilityKind = ProviderAvailabilityKind | 'set-available' | 'set-busy' | 'set-unknown';

export interface LifecycleEvent {
  readonly subject: Subject;
  readonly deviceId: DeviceId;
  readonly kind: EventKind;
  readonly occurredAtMs: number;
  readonly receivedAtMs: number;
  /** Precision of `occurredAtMs`: some providers send whole seconds. */
  readonly precisionMs: 1 | 1000;
  /** The provider's event id, if it stays the same on redelivery. */
  readonly eventId?: string;
  /** The provider's sequence number within the device, if it has one. Not negative. */
  readonly sequence?: number;
  readonly tag?: string;
  /** A backend's own reference to the participant, from the callback URL that it minted. */
  readonly participantRef?: string;
  /** As the provider says, or as given when the callback URL was minted. */
  readonly labels?: Labels;
  readonly mintedLabels?: Labels;
  /** Only of observations: when the provider was asked, by our clock. */
  readonly askedAtMs?: number;
  /** Set by `limitSkew` if the provider's time is too far ahead: the time by which the event is ordered. */
  readonly cappedAtMs?: number;
}

/** What an event says of its participant beside presence and availability. */
export type Stating = Pick<LifecycleEvent, 'tag' | 'participantRef' | 'labels' | 'mintedLabels'>;

type EventTimes = Pick<
  LifecycleEvent,
  'occurredAtMs' | 'receivedAtMs' | 'precisionMs' | 'eventId' | 'sequence' | 'cappedAtMs'
>;

/**
 * The end of all devices of a participant that connected at or before it, from a provider that does not name the device. It
 * changes nothing for a device that is not connected then.
 */
export interface ParticipantEnd extends EventTimes {
  readonly kind: ParticipantEndKind;
  readonly subject: Subject;
  readonly deviceId?: undefined;
  readonly tag?: string;
  readonly participantRef?: string;
  readonly labels?: Labels;
  readonly mintedLabels?: Labels;
}

/** Whether the participant can be given work from then on. It says nothing of whether the participant is present. */
export interface AvailabilityEvent extends EventTimes {
  readonly kind: AvailabilityKind;
  readonly subject: Subject;
  readonly deviceId?: undefined;
  readonly tag?: string;
  readonly participantRef?: string;
  readonly labels?: Labels;
  readonly mintedLabels?: Labels;
  /** When, on our clock, it ends; undefined: with the next such event. */
  readonly untilMs?: number;
}

/** An operator's set of labels, which replaces the one before. It says nothing of whether the participant is present. */
export interface LabelEvent extends EventTimes {
  readonly kind: 'set-labels';
  readonly subject: Subject;
  readonly deviceId?: undefined;
  readonly tag?: undefined;
  readonly labels: Labels;
  /** As in OperatorLabels. */
  readonly sinceMs: number;
}

/** The end of a device, from a provider that does not name its participant. */
export interface DeviceEnd extends EventTimes {
  readonly kind: 'device-disconnected' | 'device-left';
  readonly source: SourceName;
  readonly scope: string;
  readonly deviceId: DeviceId;
  readonly subject?: undefined;
  readonly tag?: string;
}

/** The end of a room, which is a scope: everybody who connected at or before it has left. */
export interface RoomEnd extends Omit<EventTimes, 'sequence'> {
  readonly kind: 'room-ended';
  readonly source: SourceName;
  readonly scope: string;
  readonly deviceId?: undefined;
  readonly subject?: undefined;
  readonly tag?: undefined;
}

/** An event that the record of its participant takes. */
export type RecordedEvent = LifecycleEvent | ParticipantEnd | AvailabilityEvent | LabelEvent;

/** An event in a record. */
export interface KeptEvent extends Omit<LifecycleEvent, 'subject' | 'deviceId' | keyof Stating | 'kind'> {
  readonly kind: EventKind | ParticipantEndKind | AvailabilityKind | LabelEvent['kind'];
}

/** An event in the history of its device, or of all devices. */
export interface DeviceEvent extends KeptEvent {
  readonly kind: EventKind | ParticipantEndKind;
}

// Order within one millisecond: an end follows its connect, and `left` overrides a loss. An operator's end carries the time
// of the newest event of its device, so it is ordered directly after that event and before all later ones. Of two facts of
// availability, `busy` wins, so that nobody who is busy is given work.
const RANK: Record<KeptEvent['kind'], number> = {
  connected: 0,
  disconnected: 1,
  'participant-disconnected': 2,
  left: 3,
  'participant-left': 4,
  seen: 5,
  unseen: 6,
  ended: 7,
  'set-labels': 8,
  available: 9,
  busy: 10,
  'set-available': 11,
  'set-busy': 12,
  'set-unknown': 13,
};

/**
 * Nothing can have happened after it was received, so a provider's clock counts as at most `clockSkewMs` ahead. Otherwise an
 * event from the future would come after all genuine events. An operator's event is dated by us.
 */
export function limitSkew<T extends KeptEvent>(event: T, { clockSkewMs }: Pick<PresencePolicy, 'clockSkewMs'>): T {
  const latestMs = event.receivedAtMs + clockSkewMs;
  return event.occurredAtMs > latestMs && !isOperators(event) ? { ...event, cappedAtMs: latestMs } : event;
}

export function isOperators({ kind }: Pick<KeptEvent, 'kind'>): boolean {
  return kind === 'ended' || kind.startsWith('set-');
}

export function isAvailability<T extends Pick<KeptEvent, 'kind'>>(
  event: T,
): event is T & { readonly kind: AvailabilityKind } {
  return RANK[event.kind] >= RANK.available;
}

export function isObservation({ kind }: Pick<KeptEvent, 'kind'>): boolean {
  return kind === 'seen' || kind === 'unseen';
}

export function isParticipantEnd({ kind }: Pick<KeptEvent, 'kind'>): boolean {
  return kind === 'participant-disconnected' || kind === 'participant-left';
}

/** The time by which events are ordered. */
export function orderedAtMs(event: KeptEvent): number {
  return event.cappedAtMs ?? event.occurredAtMs;
}

/** Whether both are deliveries of one event. Without an event id, kind and time identify an event. */
export function isSameEvent(a: KeptEvent, b: KeptEvent): boolean {
  if (a.kind !== b.kind || a.eventId !== b.eventId) return false;
  if (a.eventId !== undefined) return true;
  return a.occurredAtMs === b.occurredAtMs && a.precisionMs === b.precisionMs && a.sequence === b.sequence;
}

/**
 * Sorts the events of one device; the result does not depend on their arrival order. Events are sorted by time. Those with a
 * sequence number are then sorted by it, using only the positions they occupy; other events stay where they are.
 */
export function inOrder<T extends KeptEvent>(events: readonly T[]): T[] {
  const byTime = events.toSorted(compareTimes);
  const sequenced = byTime.filter(isSequenced);
  if (sequenced.length === 0) return byTime;
  const next = sequenced.sort(compareSequences).values();
  return byTime.map((event) => (isSequenced(event) ? (next.next().value ?? event) : event));
}

/** `events` must already be in order. */
export function insertInOrder<T extends KeptEvent>(events: readonly T[], event: T): T[] {
  if (isSequenced(event) || events.some(isSequenced)) return inOrder([...events, event]);
  const after = events.findIndex((other) => compareTimes(event, other) < 0);
  return events.toSpliced(after === -1 ? events.length : after, 0, event);
}

export function isSequenced({ sequence }: KeptEvent): boolean {
  return sequence !== undefined;
}

/** Compares two events on their own, ignoring the sequence numbers of others. */
export function isAfter(event: KeptEvent, other: KeptEvent): boolean {
  const areSequenced = isSequenced(event) && isSequenced(other);
  return (areSequenced ? compareSequences(event, other) : compareTimes(event, other)) > 0;
}

function compareSequences(a: KeptEvent, b: KeptEvent): number {
  return (a.sequence ?? 0) - (b.sequence ?? 0) || compareTimes(a, b);
}

/** A total order: 0 only for the same event. Events with the same whole-second time are ordered by receipt. */
function compareTimes(a: KeptEvent, b: KeptEvent): number {
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
