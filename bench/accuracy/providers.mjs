// What the providers whose API is asked have in common with the simulator's events, and how they differ from them.
import 'reflect-metadata';
import { DIALECTS } from '../../dist/sources/registry.js';

const OWN_DEVICES = { deviceIdOf: (deviceId) => deviceId };

/** As the simulator's webhooks name devices, and a list that names them, too. */
export const SIMULATOR = { ...OWN_DEVICES, listsDevices: true, tellsStart: false };

/**
 * `policy`: where it differs from the default. Neither says that somebody left on purpose, and both refuse or remove a second device of a
 * participant, so that no two sockets overlap.
 */
export const PROVIDERS = [
  {
    name: 'BRTC',
    summary: 'its list names no devices; grace period of 15 s',
    policy: DIALECTS.brtc.policy,
    ...OWN_DEVICES,
    listsDevices: false,
    tellsStart: true,
  },
  {
    name: 'LiveKit',
    summary: 'each join is a device, which the list names; no grace period',
    policy: DIALECTS.livekit.policy,
    // A join is a socket.
    deviceIdOf: (deviceId, socket) => `${deviceId}/${socket}`,
    listsDevices: true,
    tellsStart: true,
  },
];

/** The timeline of a provider that reports each end in the same way. */
export function withoutLeaves({ steps, ...timeline }) {
  const withoutLeave = ({ events, ...step }) => ({ ...step, events: events.filter(({ kind }) => kind !== 'onLeave') });
  return { ...timeline, steps: steps.map(withoutLeave) };
}
