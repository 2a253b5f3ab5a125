// What the works of one participant do to its record, and what each of them is told when that is stored.
import type { Verdict } from '../../domain/device-history.js';
import type { LifecycleEvent } from '../../domain/lifecycle-event.js';
import { operatorEnds, purge } from '../../domain/operator-end.js';
import { type Advance, advance, type ParticipantRecord } from '../../domain/participant.js';
import type { PresencePolicy } from '../../domain/policy.js';
import type { EndOutcome, PurgeOutcome, Revisit, Work } from './work-queue.js';

interface Outcomes {
  /** One for each work with an event that was received, in order. */
  readonly verdicts: readonly Verdict[];
  /** Of operators' requests. */
  readonly requests: ReadonlyMap<Work, EndOutcome | PurgeOutcome>;
  readonly revisit: Revisit;
}

export interface Application {
  readonly advanced: Advance;
  readonly outcomes: Outcomes;
}

/**
 * A purge is applied by itself, to what the record then is: an event that came with it is applied before. Returns the works
 * for now, and those for after that.
 */
export function inTurns(works: readonly Work[]): { now: readonly Work[]; later: readonly Work[] } {
  if (!works.some(isPurge)) return { now: works, later: [] };
  const others = works.filter((work) => !isPurge(work));
  return others.length > 0 ? { now: others, later: works.filter(isPurge) } : { now: works, later: [] };
}

function isPurge({ input }: Work): boolean {
  return input?.kind === 'purge-request';
}

/** `works`: for now, as of `inTurns`. */
export function apply(
  works: readonly Work[],
  record: ParticipantRecord | undefined,
  nowMs: number,
  policy: PresencePolicy,
): Application {
  const requests = new Map<Work, EndOutcome | PurgeOutcome>();
  if (works[0]?.input?.kind === 'purge-request') {
    const isPurged = record && works.some(({ input }) => input?.kind === 'purge-request' && input.matches(record));
    for (const work of works) requests.set(work, isPurged ? 'purged' : 'kept');
    const advanced = isPurged ? purge(record, nowMs, policy) : { record, changes: [], verdicts: [] };
    return { advanced, outcomes: { verdicts: [], requests, revisit: 'stuck' } };
  }
  const events: LifecycleEvent[] = works.flatMap((work) => (isEvent(work) ? [work.input] : []));
  for (const work of works) {
    if (work.input?.kind !== 'end-request') continue;
    const { deviceId } = work.input;
    const isKnown = record && (deviceId === undefined || record.devices.has(deviceId));
    const endEvents = isKnown ? operatorEnds(record, deviceId, nowMs, policy) : [];
    events.push(...endEvents);
    requests.set(work, isKnown ? (endEvents.length > 0 ? 'ended' : 'absent') : 'unknown');
  }
  const advanced = advance(record, events, nowMs, policy);
  const isThere = record !== undefined || advanced.record !== undefined;
  return { advanced, outcomes: { verdicts: advanced.verdicts, requests, revisit: isThere ? 'revisited' : 'stuck' } };
}

/** `refusal`: of the events, which are not stored. */
export function settle(works: readonly Work[], { verdicts, requests, revisit }: Outcomes, refusal?: Error): void {
  let next = 0;
  for (const work of works) {
    if (!work.input) work.settle(refusal ? 'stuck' : revisit);
    else if (refusal && isEvent(work)) work.settle(refusal);
    else work.settle(requests.get(work) ?? verdicts[next++] ?? 'duplicate');
  }
}

export function isEvent(work: Work): work is Work & { readonly input: LifecycleEvent } {
  return work.input !== undefined && work.input.kind !== 'end-request' && work.input.kind !== 'purge-request';
}
