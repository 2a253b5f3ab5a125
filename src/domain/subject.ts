// Who an event is about. Providers give out ids that are unique in a room or an account, and customers choose some of them:
// an id alone says nothing when there is more than one source.

export type SourceName = string & { readonly brand: 'SourceName' };
export type ParticipantId = string & { readonly brand: 'ParticipantId' };

export interface Subject {
  readonly source: SourceName;
  /** The room or account in which the id is unique; '' when it is unique in the whole source. */
  readonly scope: string;
  readonly participantId: ParticipantId;
}
