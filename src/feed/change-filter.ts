import type { Change, ChangeType } from '../domain/change.js';
import { hasLabels, type Labels, NO_LABELS } from '../domain/labels.js';

/** Undefined members match everything. */
export interface ChangeFilter {
  readonly tag?: string | undefined;
  /** All of them. */
  readonly labels?: Labels | undefined;
  readonly participantId?: string | undefined;
  readonly source?: string | undefined;
  readonly scope?: string | undefined;
  readonly types?: readonly ChangeType[] | undefined;
}

/** A change of tag or labels also matches the previous ones, so that followers of those see the participant leave. */
export function isWanted(change: Change, filter: ChangeFilter): boolean {
  const { tag, labels, participantId, source, scope, types } = filter;
  const { subject } = change;
  if (participantId !== undefined && subject.participantId !== participantId) return false;
  if (source !== undefined && subject.source !== source) return false;
  if (scope !== undefined && subject.scope !== scope) return false;
  if (types && !types.includes(change.type)) return false;
  if (labels && !hasLabels(change.labels ?? NO_LABELS, labels)) {
    if (!hasLabels(change.previousLabels ?? NO_LABELS, labels)) return false;
  }
  return tag === undefined || change.tag === tag || change.previousTag === tag;
}
