// Applies the updates of one participant to its record, and distributes the outcomes once the result is stored.
import type { Verdict } from '../../domain/device-history.js';
import type { RecordedEvent } from '../../domain/lifecycle-event.js';
import { operatorFact } from '../../domain/operator-availability.js';
import { operatorEnds, purge } from '../../domain/operator-end.js';
import { operatorLabels } from '../../domain/operator-labels.js';
import { type Advance, advance, type ParticipantRecord } from '../../domain/participant.js';
import type { PresencePolicy } from '../../domain/policy.js';
import type { PendingUpdate, Reevaluation, RequestOutcome } from './update-queue.js';

interface Outcomes {
  /** One per lifecycle event, in order. */
  readonly verdicts: readonly Verdict[];
  readonly requests: ReadonlyMap<PendingUpdate, RequestOutcome>;
  readonly reevaluation: Reevaluation;
}

export interface AppliedUpdates {
  readonly advanced: Advance;
  readonly outcomes: Outcomes;
}

/** A purge is applied on its own, after the updates that were queued with it, so that it sees the record they produce. */
export function splitOffPurges(updates: readonly PendingUpdate[]): {
  now: readonly PendingUpdate[];
  later: readonly PendingUpdate[];
} {
  if (!updates.some(isPurge)) return { now: updates, later: [] };
  const others = updates.filter((update) => !isPurge(update));
  return others.length > 0 ? { now: others, later: updates.filter(isPurge) } : { now: updates, later: [] };
}

function isPurge({ input }: PendingUpdate): boolean {
  return input?.kind === 'purge-request';
}

/** `updates`: either only purges or none, as split by `splitOffPurges`. */
export function applyUpdates(
  updates: readonly PendingUpdate[],
  record: ParticipantRecord | undefined,
  nowMs: number,
  policy: PresencePolicy,
): AppliedUpdates {
  const requests = new Map<PendingUpdate, RequestOutcome>();
  if (updates[0]?.input?.kind === 'purge-request') {
    const isPurged = record && updates.some(({ input }) => input?.kind === 'purge-request' && input.matches(record));
    for (const update of updates) requests.set(update, isPurged ? 'purged' : 'kept');
    const advanced = isPurged ? purge(record, nowMs, policy) : { record, changes: [], verdicts: [] };
    return { advanced, outcomes: { verdicts: [], requests, reevaluation: 'unreadable' } };
  }
  const events: RecordedEvent[] = updates.flatMap((update) => (isEvent(update) ? [update.input] : []));
  for (const update of updates) {
    if (update.input?.kind !== 'end-request') continue;
    const { deviceId } = update.input;
    const isKnown = record && (deviceId === undefined || record.devices.has(deviceId));
    const endEvents = isKnown ? operatorEnds(record, deviceId, nowMs, policy) : [];
    events.push(...endEvents);
    requests.set(update, isKnown ? (endEvents.length > 0 ? 'ended' : 'absent') : 'unknown');
  }
  let [stated, labelled]: (RecordedEvent | undefined)[] = [];
  for (const update of updates) {
    if (update.input?.kind !== 'availability-request') continue;
    stated = record && operatorFact(record, update.input, nowMs);
    requests.set(update, record ? (stated ? 'set' : 'gone') : 'unknown');
  }
  for (const update of updates) {
    if (update.input?.kind !== 'label-request') continue;
    const { subject, labels } = update.input;
    const set = operatorLabels(subject, record, labels, nowMs);
    labelled = set ?? labelled;
    requests.set(update, set ? 'set' : 'unknown');
  }
  // Of several, only the last one counts.
  for (const event of [stated, labelled]) if (event) events.push(event);
  const advanced = advance(record, events, nowMs, policy);
  const exists = record !== undefined || advanced.record !== undefined;
  const reevaluation = exists ? 'reevaluated' : 'unreadable';
  return { advanced, outcomes: { verdicts: advanced.verdicts, requests, reevaluation } };
}

/** `refusal`: the error for the events and requests of a new participant that was not stored. */
export function finishAll(
  updates: readonly PendingUpdate[],
  { verdicts, requests, reevaluation }: Outcomes,
  refusal?: Error,
): void {
  let next = 0;
  for (const update of updates) {
    if (!update.input) update.finish(refusal ? 'unreadable' : reevaluation);
    else if (refusal && (isEvent(update) || requests.get(update) === 'set')) update.finish(refusal);
    else update.finish(requests.get(update) ?? verdicts[next++] ?? 'duplicate');
  }
}

export function isEvent(update: PendingUpdate): update is PendingUpdate & { readonly input: RecordedEvent } {
  return update.input !== undefined && !update.input.kind.endsWith('-request');
}
