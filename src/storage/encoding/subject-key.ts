// The text by which stores know a subject: source, scope and id, between which stands a control character that none of them
// has. Redis keeps it in memory several times for each participant, so that of the most usual subjects, those of Bandwidth,
// which has no scopes, it is the id alone. It is stored: what it is for a subject must not change.

import { identifierFault } from '../../domain/identifier.js';
import type { ParticipantId, SourceName, Subject } from '../../domain/subject.js';

export type SubjectKey = string & { readonly brand: 'SubjectKey' };

const SEPARATOR = '\u001f';
const UNMARKED_SOURCE = 'bandwidth';

/** None of the three parts has a control character: see identifier.ts. */
export function keyOf({ source, scope, participantId }: Subject): SubjectKey {
  const isUnmarked = source === UNMARKED_SOURCE && scope === '';
  return (isUnmarked ? participantId : [source, scope, participantId].join(SEPARATOR)) as string as SubjectKey;
}

export function subjectOf(key: SubjectKey): Subject {
  const parts = key.split(SEPARATOR);
  const [source = '', scope = '', participantId = ''] = parts.length === 3 ? parts : [UNMARKED_SOURCE, '', key];
  return { source: source as SourceName, scope, participantId: participantId as ParticipantId };
}

/** As a part of a cursor that a caller hands back. */
export function isSubjectKey(value: unknown): value is SubjectKey {
  if (typeof value !== 'string') return false;
  const parts = value.split(SEPARATOR);
  const [source, scope, id] = parts.length === 3 ? parts : ['', '', value];
  const isPart = (part: string | undefined) => part === '' || identifierFault(part) === undefined;
  return (
    (parts.length === 1 || parts.length === 3) && isPart(source) && isPart(scope) && identifierFault(id) === undefined
  );
}
