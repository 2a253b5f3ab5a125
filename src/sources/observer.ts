// The port to the API of a provider, as far as it says who is present. It is asked for reconciliation (docs/reconciliation.md).
import type { ObservedDevice } from '../domain/observation.js';
import type { Subject } from '../domain/subject.js';

export interface ListedParticipant extends Omit<Subject, 'source'> {
  /** All that are connected; undefined: the list does not name them. */
  readonly devices?: readonly ObservedDevice[];
  readonly tag?: string | undefined;
}

/** `unknown`: the provider knows the participant, but does not say whether anybody is connected. */
export type Finding =
  | { readonly outcome: 'present'; readonly devices: readonly ObservedDevice[]; readonly tag?: string | undefined }
  | { readonly outcome: 'absent' | 'unknown' };

/** All methods reject with ProviderApiError, or when the signal is aborted. */
export interface Observer {
  /** How old an answer may be, clock skew included: `listLagMs` of the policy. */
  readonly lagMs: number;
  /**
   * Everybody who is present, page by page. If a page fails or is not understood, the iteration fails: who is missing from a part
   * of a list may be on the rest. undefined: the provider has no list.
   */
  list?(signal: AbortSignal): AsyncIterable<readonly ListedParticipant[]>;
  find(participant: Omit<Subject, 'source'>, signal: AbortSignal): Promise<Finding>;
}
