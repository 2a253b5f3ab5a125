// The key under which stores keep a subject: source, scope and id, separated by a control character that none of them can
// contain. Redis holds it in memory several times per participant, so for the most common subjects, those of the source
// `bandwidth` without a scope, it is the id alone. Keys are stored: the key of a subject must never change.

import { identifierFault } from '../../domain/identifier.js';
import type { ParticipantId, SourceName, Subject } from '../../domain/subject.js';

export type SubjectKey = string & { readonly brand: 'SubjectKey' };

const SEPARATOR = '\u001f';
const UNPREFIXED_SOURCE = 'bandwidth';

/** No part contains a control character: see identifier.ts. */
export function keyOf({ source, scope, participantId }: Subject): SubjectKey {
  const isUnprefixed = source === UNPREFIXED_SOURCE && scope === '';
  return (isUnprefixed ? participantId : [source, scope, participantId].join(SEPARATOR)) as string as SubjectKey;
}

export function subjectOf(key: SubjectKey): Subject {
  const parts = key.split(SEPARATOR);
  const [source = '', scope = '', participantId = ''] = parts.length === 3 ? parts : [UNPREFIXED_SOURCE, '', key];
  return { source: source as SourceName, scope, participantId: participantId as ParticipantId };
}

/** Validates a key in a cursor sent by a client. */
export function isSubjectKey(value: unknown): value is SubjectKey {
  if (typeof value !== 'string') return false;
  const parts = value.split(SEPARATOR);
  const [source, scope, id] = parts.length === 3 ? parts : ['', '', value];
  const isPart = (part: string | undefined) => part === '' || identifierFault(part) === undefined;
  return (
    (parts.length === 1 || parts.length === 3) && isPart(source) && isPart(scope) && identifierFault(id) === undefined
  );
}
