// Whether a participant can be given work, as the provider or an operator has said. Such a fact is only about the presence in
// which it is made, so it is kept beside the devices: a connect that is received later may be the start of that presence.
import type { Verdict } from './device-history.js';
import { type AvailabilityKind, insertInOrder, isSameEvent, type KeptEvent, orderedAtMs } from './lifecycle-event.js';
import type { Presence } from './presence-view.js';
import type { Rule } from './rules.js';

export type Availability = 'available' | 'busy' | 'unknown';
export type KnownAvailability = Exclude<Availability, 'unknown'>;

export const KNOWN_AVAILABILITIES: readonly KnownAvailability[] = ['available', 'busy'];
export const AVAILABILITIES: readonly Availability[] = [...KNOWN_AVAILABILITIES, 'unknown'];

/** Where it may be missing, the availability is unknown then. */
export interface CurrentAvailability {
  readonly value: KnownAvailability;
  /** When the current run of equal facts began, in the time of the facts; never before the presence. */
  readonly sinceMs: number;
}

export interface AvailabilityFact extends KeptEvent {
  readonly kind: AvailabilityKind;
  /** When, on our clock, it ends: then the newest fact without an end counts again. undefined: with the next fact. */
  readonly untilMs?: number;
  /** When the run began, if equal facts directly before this one have been dropped. */
  readonly fromMs?: number;
}

const VALUES: Record<AvailabilityKind, Availability> = {
  available: 'available',
  busy: 'busy',
  'set-available': 'available',
  'set-busy': 'busy',
  'set-unknown': 'unknown',
};

export const MAX_KEPT_FACTS = 16;

export const NO_FACTS: readonly AvailabilityFact[] = [];

interface FactInsertion {
  readonly verdict: Verdict;
  /** In order. */
  readonly facts: readonly AvailabilityFact[];
  /** As in `Insertion`. */
  readonly kept?: KeptEvent;
}

export function insertFact(facts: readonly AvailabilityFact[], fact: AvailabilityFact): FactInsertion {
  const known = facts.find((other) => isSameEvent(other, fact));
  if (known && fact.receivedAtMs >= known.receivedAtMs) return { verdict: 'duplicate', facts, kept: known };
  const others = known ? facts.filter((other) => other !== known) : facts;
  const inserted = known?.fromMs === undefined ? fact : { ...fact, fromMs: known.fromMs };
  const all = insertInOrder(others, inserted);
  if (all.length <= MAX_KEPT_FACTS) return { verdict: known ? 'duplicate' : 'applied', facts: all, kept: inserted };
  const excess = indexOfExcess(all);
  if (all[excess] === inserted) return { verdict: 'stale', facts };
  return { verdict: 'applied', facts: withoutExcess(all, excess), kept: inserted };
}

/** The oldest one, unless it counts again when the next one ends. */
function indexOfExcess([oldest, next]: readonly AvailabilityFact[]): 0 | 1 {
  return oldest?.untilMs === undefined && next?.untilMs !== undefined ? 1 : 0;
}

function withoutExcess(facts: readonly AvailabilityFact[], index: number): readonly AvailabilityFact[] {
  const [dropped, next] = facts.slice(index, index + 2) as [AvailabilityFact, AvailabilityFact];
  const isSameRun = VALUES[dropped.kind] === VALUES[next.kind] && endMsOf(dropped) >= orderedAtMs(next);
  const fromMs = dropped.fromMs ?? orderedAtMs(dropped);
  return facts.toSpliced(index, 2, isSameRun ? { ...next, fromMs } : next);
}

function endMsOf(fact: AvailabilityFact): number {
  return Math.max(fact.untilMs ?? Number.POSITIVE_INFINITY, orderedAtMs(fact));
}

interface AvailabilityView {
  /** undefined: unknown. */
  readonly current?: CurrentAvailability;
  /** When, on our clock, it changes without an event; undefined: it does not. */
  readonly changesAtMs?: number;
}

const UNKNOWN: AvailabilityView = {};

/** What a fact did, or its end. `current`: the availability after it; undefined: unknown. */
export interface AvailabilityStep {
  readonly rule: Rule;
  readonly fact: AvailabilityFact;
  readonly current?: CurrentAvailability;
}

/**
 * Facts from before the presence do not count, and a participant that is not connected cannot be given work. `observe`: called for
 * each fact and each end that changes the availability.
 */
export function availabilityIn(
  { state, sinceMs }: Pick<Presence, 'state' | 'sinceMs'>,
  facts: readonly AvailabilityFact[],
  nowMs: number,
  observe?: (step: AvailabilityStep) => void,
): AvailabilityView {
  if (facts.length === 0) return UNKNOWN;
  if (state !== 'connected') {
    if (observe) for (const fact of facts) observe({ rule: 'availability-not-connected', fact });
    return UNKNOWN;
  }
  const counted = facts.filter((fact) => {
    const isInPresence = orderedAtMs(fact) >= sinceMs;
    if (!isInPresence) observe?.({ rule: 'availability-before-presence', fact });
    return isInPresence;
  });
  let run: { value: Availability; sinceMs: number } = { value: 'unknown', sinceMs };
  let lasting: Availability = 'unknown';
  let changesAtMs: number | undefined;
  const enter = (value: Availability, atMs: number, fact: AvailabilityFact, rule: Rule) => {
    if (value !== run.value) run = { value, sinceMs: atMs };
    observe?.({ rule, fact, current: knownOf(run) });
  };
  for (const [n, fact] of counted.entries()) {
    const value = VALUES[fact.kind];
    const { fromMs } = fact;
    const startMs = fromMs !== undefined && fromMs >= sinceMs ? fromMs : orderedAtMs(fact);
    enter(value, startMs, fact, value === run.value ? 'availability-repeated' : 'availability-set');
    if (fact.untilMs === undefined) lasting = value;
    const endMs = endMsOf(fact);
    const next = counted[n + 1];
    if (value === lasting) continue;
    if (next ? endMs < orderedAtMs(next) : endMs <= nowMs) enter(lasting, endMs, fact, 'availability-over');
    else if (!next) changesAtMs = endMs;
  }
  return { current: knownOf(run), changesAtMs };
}

function knownOf({ value, sinceMs }: { value: Availability; sinceMs: number }): CurrentAvailability | undefined {
  return value === 'unknown' ? undefined : { value, sinceMs };
}
