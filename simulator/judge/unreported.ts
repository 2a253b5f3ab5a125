// Why a receiver was wrong: attributes its wrong answers to what the provider did not report, or reported late.

import type { PlayedStep } from '../played-step.js';
import { returnOf, stepOf } from '../scenarios/traffic.js';
import type { MarkedPeriod } from './spans.js';

/** What was not reported. `noticed late`: a loss that was noticed only after the return. `nothing lost`: none of these. */
export type Cause =
  | 'first connect of a device'
  | 'return'
  | 'loss before a return'
  | 'final loss'
  | 'leave'
  | 'vanished'
  | 'noticed late'
  | 'nothing lost';

export interface Unreported {
  readonly atMs: number;
  readonly cause: Cause;
}

/** Of one step. Only what can mislead a receiver: a leave whose disconnect alone was lost is known. */
export function unreportedOf({ cue, plans }: PlayedStep): Unreported[] {
  const { action, device } = stepOf(cue);
  const { atMs } = cue;
  if (action === 'vanish') return [{ atMs, cause: 'vanished' }];
  if (plans.some(({ noticedAtMs }) => noticedAtMs > atMs)) {
    return [
      { atMs, cause: plans.every(({ outcome }) => outcome === 'lost') ? 'loss before a return' : 'noticed late' },
    ];
  }
  if (!plans.every(({ outcome }) => outcome === 'lost')) return [];
  switch (action) {
    case 'connect': {
      const isFirst = !cue.life.steps.slice(0, cue.index).some((step) => step.device === device);
      return [{ atMs, cause: isFirst ? 'first connect of a device' : 'return' }];
    }
    case 'leave':
      return [{ atMs, cause: 'leave' }];
    case 'lose':
      return [{ atMs, cause: returnOf(cue).isBackAtMs === undefined ? 'final loss' : 'loss before a return' }];
  }
}

const HIDES: Record<'wronglyGone' | 'wronglyConnected', readonly Cause[]> = {
  wronglyGone: ['first connect of a device', 'return'],
  wronglyConnected: ['loss before a return', 'final loss', 'leave', 'vanished'],
};

/**
 * The newest unreported event before the period that explains such an answer: a connect for a participant who is wrongly
 * gone, an end for one who is wrongly connected. If there is none of that kind, the newest of any.
 */
export function causeOf({ mark, fromMs }: MarkedPeriod, unreported: readonly Unreported[]): Cause {
  const earlier = unreported.filter(({ atMs }) => atMs <= fromMs);
  const lost = earlier.filter(({ cause }) => cause !== 'noticed late');
  const hidden = mark === 'wronglyGone' || mark === 'wronglyConnected' ? HIDES[mark] : [];
  const best = lost.findLast(({ cause }) => hidden.includes(cause)) ?? lost.at(-1) ?? earlier.at(-1);
  return best?.cause ?? 'nothing lost';
}
