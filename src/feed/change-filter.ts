import type { Change, ChangeType } from '../domain/change.js';

/** What a follower wants; what is not given is not asked for. */
export interface ChangeFilter {
  readonly tag?: string | undefined;
  readonly participantId?: string | undefined;
  readonly source?: string | undefined;
  readonly scope?: string | undefined;
  readonly types?: readonly ChangeType[] | undefined;
}

/** A participant that changes its tag concerns those who follow the one before, too: for them it is no longer there. */
export function isWanted(change: Change, filter: ChangeFilter): boolean {
  const { tag, participantId, source, scope, types } = filter;
  const { subject } = change;
  if (participantId !== undefined && subject.participantId !== participantId) return false;
  if (source !== undefined && subject.source !== source) return false;
  if (scope !== undefined && subject.scope !== scope) return false;
  if (types && !types.includes(change.type)) return false;
  return tag === undefined || change.tag === tag || change.previousTag === tag;
}
