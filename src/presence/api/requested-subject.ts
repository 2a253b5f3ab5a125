import { identifierFault } from '../../domain/identifier.js';
import type { ParticipantId, Subject } from '../../domain/subject.js';
import { invalidParameter } from '../../http/problem.js';
import type { SourceNames } from '../../http/source-names.js';
import type { SubjectQuery } from './queries.js';

/** The participant that a path and a query name. Throws a problem if the id is not valid, or the source is not configured. */
export function requestedSubject(sources: SourceNames, participantId: string, query: SubjectQuery): Subject {
  const fault = identifierFault(participantId);
  if (fault) throw invalidParameter('participantId', fault);
  return subjectIn(sources, participantId, query);
}

/** `participantId`: valid. */
export function subjectIn(sources: SourceNames, participantId: string, { source, scope = '' }: SubjectQuery): Subject {
  return { source: sources.parse(source) ?? sources.first, scope, participantId: participantId as ParticipantId };
}
