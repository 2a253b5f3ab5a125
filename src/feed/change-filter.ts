import type { Change, ChangeType } from '../domain/change.js';

/** Undefined members match everything. */
export interface ChangeFilter {
  readonly tag?: string | undefined;
  readonly participantId?: string | undefined;
  readonly source?: string | undefined;
  readonly scope?: string | undefined;
  readonly types?: readonly ChangeType[] | undefined;
}

/** A change of tag also matches the previous tag, so that its followers see the participant leave it. */
export function isWanted(change: Change, filter: ChangeFilter): boolean {
  const { tag, participantId, source, scope, types } = filter;
  const { subject } = change;
  if (participantId !== undefined && subject.participantId !== participantId) return false;
  if (source !== undefined && subject.source !== source) return false;
  if (scope !== undefined && subject.scope !== scope) return false;
  if (types && !types.includes(change.type)) return false;
  return tag === undefined || change.tag === tag || change.previousTag === tag;
}
