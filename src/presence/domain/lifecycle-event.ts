// A lifecycle event is a normalised fact about one device, whatever provider it came from.
// It has two times. `atMs` is the provider's: it orders events and measures gaps. `heardAtMs` is ours: grace and
// expiry are counted from it, so that neither a skewed clock nor a replay of old events ends a live connection.

export type ParticipantId = string & { readonly brand: 'ParticipantId' };
export type DeviceId = string & { readonly brand: 'DeviceId' };

/** `ended` comes from an operator, the others from the provider. */
export type EventKind = 'connected' | 'disconnected' | 'left' | 'ended';

export interface LifecycleEvent {
  readonly source: string;
  readonly participantId: ParticipantId;
  readonly deviceId: DeviceId;
  readonly kind: EventKind;
  readonly atMs: number;
  readonly heardAtMs: number;
  readonly tag?: string;
}

/** What is kept of an event once it is filed under its device. (kind, atMs) identifies it there. */
export type DeviceEvent = Pick<LifecycleEvent, 'kind' | 'atMs' | 'heardAtMs'>;

/** Beyond this a provider's clock is wrong, not merely skewed. */
const MAX_AHEAD_MS = 5 * 60_000;

// At the same millisecond an end follows its connect, and `left` has the last word of the provider. An operator's end
// is given the time of the newest event that it ends, and so follows that one and nothing later.
const RANK: Record<EventKind, number> = { connected: 0, disconnected: 1, left: 2, ended: 3 };

/** An operator's end never is: its time is that of an event which is in its place already. */
export function isAhead(event: DeviceEvent): boolean {
  return event.atMs - event.heardAtMs > MAX_AHEAD_MS && event.kind !== 'ended';
}

/** The time an event is ordered by. One far ahead counts as now: else "newer wins" would freeze its device for long. */
export function orderedAtMs(event: DeviceEvent): number {
  return isAhead(event) ? event.heardAtMs : event.atMs;
}

/** Total order of the events of one device; 0 only for the same event. */
export function compareEvents(a: DeviceEvent, b: DeviceEvent): number {
  return orderedAtMs(a) - orderedAtMs(b) || RANK[a.kind] - RANK[b.kind] || a.atMs - b.atMs;
}

export function isSameEvent(a: DeviceEvent, b: DeviceEvent): boolean {
  return a.kind === b.kind && a.atMs === b.atMs;
}
