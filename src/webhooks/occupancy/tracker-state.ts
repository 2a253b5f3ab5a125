// What the tracker stores beside its tags, as JSON: how far it has read the feed, and how each rule stands.
import type { FeedPosition } from '../../storage/feed-position.js';
import type { RuleState } from './rule-states.js';

/** Of the stored text. A change of its shape needs a new one, and code that still reads this one. */
const FORMAT = 1;

export interface TrackerState {
  readonly position: FeedPosition;
  /** Whether the stored tags are those that are occupied. */
  readonly areTagsKnown: boolean;
  readonly rules: readonly RuleState[];
}

export function encodeTrackerState(state: TrackerState): string {
  return JSON.stringify({ format: FORMAT, ...state });
}

/** Throws if the text is not a result of `encodeTrackerState`. */
export function decodeTrackerState(text: string): TrackerState {
  const { format, ...state } = JSON.parse(text) as TrackerState & { readonly format: number };
  if (format !== FORMAT) throw new Error(`the occupancy tracker was stored in the unknown format ${format}`);
  return state;
}
