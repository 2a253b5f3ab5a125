import { type Labels, NO_LABELS } from '../../domain/labels.js';
import { invalidParameter } from '../../http/problem.js';

/** Throws a problem if participants cannot be found by one of the labels. */
export function refuseUnindexed(labels: Labels = NO_LABELS, indexed: readonly string[]): void {
  const name = Object.keys(labels).find((one) => !indexed.includes(one));
  if (name !== undefined) throw invalidParameter(`label.${name}`, 'is not indexed: add its name to INDEXED_LABELS');
}
