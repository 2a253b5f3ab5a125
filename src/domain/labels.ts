// Labels say which groups a participant belongs to: a call, a user, a queue. They come from the provider, from a minted callback URL
// or from an operator. Of each origin, only the newest set counts. The operator's take precedence, then those of the URL.
import { identifierFault } from './identifier.js';

export type Labels = Readonly<Record<string, string>>;

export const MAX_LABELS = 8;
export const NO_LABELS: Labels = {};

export const LABEL_NAME = /^[a-z][a-z0-9_-]{0,31}$/;

/** A set of labels, and when it was given, in the time of the events. */
export interface LabelSet {
  readonly labels: Labels;
  readonly occurredAtMs: number;
}

/** If it is not empty, the participant is `expected` until an event of it is received. */
interface OperatorLabels extends LabelSet {
  readonly receivedAtMs: number;
  /** When the first set of an uninterrupted run of sets that are not empty was given. */
  readonly sinceMs: number;
}

type AnySet = LabelSet & Partial<OperatorLabels>;

/** What each of them has given; those of a provider or a minted URL are not empty. */
export interface GivenLabels {
  readonly source?: LabelSet | undefined;
  readonly minted?: LabelSet | undefined;
  readonly operator?: OperatorLabels | undefined;
}

/** What is wrong with the name of a label, phrased to follow it; undefined if it is valid. */
export function labelNameFault(name: string): string | undefined {
  return LABEL_NAME.test(name)
    ? undefined
    : 'must be 1 to 32 characters (a to z, 0 to 9, - or _) and begin with a letter';
}

/** What is wrong with a set of labels. `name`: of the label; undefined: the set as a whole. */
export function labelsFault(labels: unknown): { readonly name?: string; readonly message: string } | undefined {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) return { message: 'must be an object' };
  const all = Object.entries(labels);
  if (all.length > MAX_LABELS) return { message: `must not have more than ${MAX_LABELS} labels` };
  for (const [name, value] of all) {
    const message = labelNameFault(name) ?? identifierFault(value);
    if (message !== undefined) return { name, message };
  }
  return undefined;
}

/**
 * The labels of the participant, sorted by name; NO_LABELS if there are none. Of those with the same name, the operator's counts,
 * then that of the minted URL. Of more than MAX_LABELS, these take precedence in the same way.
 */
export function labelsOf(given: GivenLabels | undefined): Labels {
  if (!given) return NO_LABELS;
  const all = new Map<string, string>();
  for (const set of [given.operator, given.minted, given.source]) {
    for (const [name, value] of sortedEntries(set?.labels ?? NO_LABELS)) {
      if (!all.has(name) && all.size < MAX_LABELS) all.set(name, value);
    }
  }
  return all.size === 0 ? NO_LABELS : Object.fromEntries([...all].sort(byName));
}

export function areSame(a: Labels, b: Labels): boolean {
  return a === b || textOf(a) === textOf(b);
}

/** Whether it has all of them. */
export function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

/**
 * With the newer one of the two sets. Of two at the same time, the greater text wins, then the longer run, so that arrival order does
 * not matter.
 */
export function withSet<O extends keyof GivenLabels>(
  given: GivenLabels | undefined,
  origin: O,
  set: NonNullable<GivenLabels[O]>,
): GivenLabels {
  const known = given?.[origin];
  return given && known && compareSets(set, known) <= 0 ? given : { ...given, [origin]: set };
}

function compareSets(a: AnySet, b: AnySet): number {
  const { sinceMs = 0, receivedAtMs = 0 } = a;
  return (
    a.occurredAtMs - b.occurredAtMs ||
    compare(textOf(a.labels), textOf(b.labels)) ||
    (b.sinceMs ?? 0) - sinceMs ||
    (b.receivedAtMs ?? 0) - receivedAtMs
  );
}

function textOf(labels: Labels): string {
  return JSON.stringify(sortedEntries(labels));
}

export function sortedEntries(labels: Labels): [string, string][] {
  return Object.entries(labels).sort(byName);
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return compare(a, b);
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
