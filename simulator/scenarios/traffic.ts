// From the steps of a run to what the provider has to tell of them.
import { createHash } from 'node:crypto';
import type { SignallingEvent } from '../webhooks/signalling-event.js';
import type { Cue } from './run.js';
import type { Step } from './scenario.js';

export interface Ids {
  readonly participantId: string;
  readonly deviceId: string;
}

/** In the order in which they happen; of a leave two, since the socket closes with it. None, where none is ever told. */
export function eventsOf(cue: Cue, ids: Ids): SignallingEvent[] {
  const { life, index, atMs } = cue;
  const socket = life.steps.slice(0, index + 1).filter(({ action }) => action === 'connect').length;
  const event = { ...ids, tag: life.tag, atMs, socket };
  switch (stepOf(cue).action) {
    case 'connect':
      return [{ ...event, kind: 'onConnect' }];
    case 'leave':
      return [
        { ...event, kind: 'onLeave' },
        { ...event, kind: 'onDisconnect' },
      ];
    case 'lose':
      return [{ ...event, kind: 'onDisconnect', ...returnOf(cue) }];
    case 'vanish':
      return [];
  }
}

export function stepOf({ life, index }: Cue): Step {
  return life.steps[index] as Step;
}

/** When the device, and no other one, is back. */
export function returnOf(cue: Cue): { isBackAtMs?: number } {
  const { atMs, device } = stepOf(cue);
  const next = cue.life.steps[cue.index + 1];
  return next?.device === device ? { isBackAtMs: cue.atMs + next.atMs - atMs } : {};
}

/** These look like the provider's, and are the same for the same seed. */
export function idsOf(cue: Cue, seed: number): Ids {
  const id = (device: number) => nameBasedId(`${seed}/${cue.participant}/${device}`);
  return { participantId: id(0), deviceId: id(stepOf(cue).device) };
}

/** A UUID of the kind whose digits come of a name. */
function nameBasedId(name: string): string {
  const hex = createHash('sha1').update(name).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}
