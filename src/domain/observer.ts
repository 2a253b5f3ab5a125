// Learns which rule is applied to what, in order, while presence is computed: explain.ts collects that. Callbacks are processed
// without one.
import type { AvailabilityStep } from './availability.js';
import type { Step } from './connection.js';
import type { FoldedEvent } from './device-history.js';
import type { DeviceId } from './lifecycle-event.js';
import type { Supersession } from './one-device.js';
import type { Rule } from './rules.js';

export interface Observer {
  /** The events of each device, in the order in which they count. */
  readonly folded: (deviceId: DeviceId, event: FoldedEvent) => void;
  /** A newer device has changed the connection of this one. */
  readonly superseded: (device: { readonly deviceId: DeviceId }, step: Step, by: Supersession) => void;
  /** Time alone has changed the connection. */
  readonly elapsed: (deviceId: DeviceId, step: Step) => void;
  /** Why the participant has its state. */
  readonly presence: (rule: Rule) => void;
  readonly availability: (step: AvailabilityStep) => void;
}
