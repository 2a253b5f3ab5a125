// Ends that concern all devices of a participant, because the provider does not name the device, or because the room has ended.
// They are kept beside the devices, since a connect that is received later may be that of a device which they end.
import type { Verdict } from './device-history.js';
import { type DeviceEvent, inOrder, isAfter, isSameEvent, type KeptEvent, orderedAtMs } from './lifecycle-event.js';
import type { PresencePolicy } from './policy.js';
import type { ParticipantView } from './presence-view.js';
import type { Rule } from './rules.js';

export const MAX_KEPT_ENDS = 8;

export interface ParticipantEnds {
  /** In order. */
  readonly ends: readonly DeviceEvent[];
  /** Those that exceed MAX_KEPT_ENDS, in order: the histories of the devices must fold them. */
  readonly dropped: readonly DeviceEvent[];
}

export const NO_ENDS: readonly DeviceEvent[] = [];

/** May exceed MAX_KEPT_ENDS until `limitEnds` is called. */
export function insertEnd(
  ends: readonly DeviceEvent[],
  event: DeviceEvent,
): { readonly verdict: Verdict; readonly ends: readonly DeviceEvent[]; readonly kept?: DeviceEvent } {
  const known = ends.find((other) => isSameEvent(other, event));
  if (known && event.receivedAtMs >= known.receivedAtMs) return { verdict: 'duplicate', ends, kept: known };
  const [oldest] = ends;
  if (oldest && ends.length >= MAX_KEPT_ENDS && !isAfter(event, oldest)) return { verdict: 'stale', ends };
  const others = ends.filter((other) => other !== known);
  return { verdict: known ? 'duplicate' : 'applied', ends: inOrder([...others, event]), kept: event };
}

export function limitEnds(ends: readonly DeviceEvent[]): ParticipantEnds {
  if (ends.length <= MAX_KEPT_ENDS) return { ends, dropped: NO_ENDS };
  return { ends: ends.slice(-MAX_KEPT_ENDS), dropped: ends.slice(0, -MAX_KEPT_ENDS) };
}

/** The view of a participant of whom only events were received that name no device: ends, or facts of availability. */
export function viewWithoutDevices(events: readonly KeptEvent[], observe?: (rule: Rule) => void): ParticipantView {
  observe?.('no-device-known');
  const last = lastOf(events);
  const cause = last.kind === 'participant-left' ? 'left' : 'lost';
  const none = { untilMs: undefined, isDoubtful: false, devices: [] };
  return { state: 'gone', sinceMs: orderedAtMs(last), cause, ...none };
}

/** When, on our clock, a participant of whom only these events were received is forgotten. */
export function forgetAtMs(
  events: readonly Pick<KeptEvent, 'receivedAtMs'>[],
  { retentionMs }: PresencePolicy,
): number {
  return Math.max(...events.map(({ receivedAtMs }) => receivedAtMs)) + retentionMs;
}

function lastOf(events: readonly KeptEvent[]): KeptEvent {
  const last = events.at(-1);
  if (!last) throw new Error('a participant without events');
  return last;
}
