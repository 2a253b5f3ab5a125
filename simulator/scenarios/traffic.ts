// Translates the steps of a run to the events that the provider reports.
import { createHash } from 'node:crypto';
import type { SignallingEvent } from '../webhooks/signalling-event.js';
import type { Cue } from './run.js';
import type { Step } from './scenario.js';

export interface Ids {
  readonly participantId: string;
  readonly deviceId: string;
}

/** In chronological order. A leave has two events, since the socket closes as well; a vanish has none. */
export function eventsOf(cue: Cue, ids: Ids): SignallingEvent[] {
  const { life, atMs } = cue;
  const event = { ...ids, tag: life.tag, atMs, socket: socketOf(cue) };
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

export function stepOf({ life, index }: Pick<Cue, 'life' | 'index'>): Step {
  return life.steps[index] as Step;
}

/** When the same device reconnects, if it does. */
export function returnOf(cue: Cue): { isBackAtMs?: number } {
  const { atMs, device } = stepOf(cue);
  const next = cue.life.steps.slice(cue.index + 1).find((step) => step.device === device);
  return next ? { isBackAtMs: cue.atMs + next.atMs - atMs } : {};
}

/** The number of the device's newest socket among those of the participant, counted from 1. */
function socketOf({ life, index }: Cue): number {
  const steps = life.steps.slice(0, index + 1);
  const { device } = stepOf({ life, index });
  const openedAt = steps.findLastIndex((step) => step.action === 'connect' && step.device === device);
  return steps.slice(0, openedAt + 1).filter(({ action }) => action === 'connect').length;
}

/** Ids in the provider's format; the same seed gives the same ids. */
export function idsOf(cue: Cue, seed: number): Ids {
  const id = (device: number) => nameBasedId(`${seed}/${cue.participant}/${device}`);
  return { participantId: id(0), deviceId: id(stepOf(cue).device) };
}

/** A name-based UUID (version 5). */
function nameBasedId(name: string): string {
  const hex = createHash('sha1').update(name).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `5${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}
