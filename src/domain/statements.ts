// What events say of their participant beside its presence: the tag, a backend's reference and labels. The newest counts, by the
// time of the event, for as long as the participant is known.
import { type GivenLabels, labelsOf, withSet } from './labels.js';
import type { LabelEvent, Stating } from './lifecycle-event.js';

interface Stated {
  readonly value: string;
  readonly occurredAtMs: number;
}

export interface Statements {
  /** The newest that is not empty. */
  readonly tag?: Stated | undefined;
  readonly participantRef?: Stated | undefined;
  readonly labels?: GivenLabels | undefined;
}

/** The same object if nothing changes. `atMs`: the time by which the event is ordered. */
export function withStatements(known: Statements, event: Stating, atMs: number): Statements {
  if (!event.tag && !event.participantRef && !event.labels && !event.mintedLabels) return known;
  let { tag, participantRef, labels } = known;
  if (event.tag) tag = newerOf(tag, { value: event.tag, occurredAtMs: atMs });
  if (event.participantRef)
    participantRef = newerOf(participantRef, { value: event.participantRef, occurredAtMs: atMs });
  if (event.labels) labels = withSet(labels, 'source', { labels: event.labels, occurredAtMs: atMs });
  if (event.mintedLabels) labels = withSet(labels, 'minted', { labels: event.mintedLabels, occurredAtMs: atMs });
  const next = { tag, participantRef, labels };
  return areSame(known, next) ? known : next;
}

export function withOperatorLabels(
  known: Statements,
  {
    labels,
    occurredAtMs,
    receivedAtMs,
    sinceMs,
  }: Pick<LabelEvent, 'labels' | 'occurredAtMs' | 'receivedAtMs' | 'sinceMs'>,
): Statements {
  const next = withSet(known.labels, 'operator', { labels, occurredAtMs, receivedAtMs, sinceMs });
  return next === known.labels ? known : { ...known, labels: next };
}

export function areSame(a: Statements, b: Statements): boolean {
  return a.tag === b.tag && a.participantRef === b.participantRef && a.labels === b.labels;
}

/** As they are announced. */
export function currentStatements({ tag, participantRef, labels }: Statements) {
  return { tag: tag?.value, participantRef: participantRef?.value, labels: labelsOf(labels) };
}

/** In the same millisecond, the greater string wins, so that arrival order does not matter. */
function newerOf(a: Stated | undefined, b: Stated): Stated {
  return a && (a.occurredAtMs - b.occurredAtMs || (a.value < b.value ? -1 : 1)) > 0 ? a : b;
}
