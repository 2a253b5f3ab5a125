// The identity of a participant. Provider ids are unique only within a room or an account, and some are chosen by customers:
// with several sources, an id alone identifies nobody.

export type SourceName = string & { readonly brand: 'SourceName' };
export type ParticipantId = string & { readonly brand: 'ParticipantId' };

export interface Subject {
  readonly source: SourceName;
  /** The room or account in which the id is unique; '' if it is unique within the source. */
  readonly scope: string;
  readonly participantId: ParticipantId;
}
