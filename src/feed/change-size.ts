// The size of changes in responses. A feed entry stores the values that its changes share once, a response repeats them in
// each change, so limits on the size of entries do not limit the size of responses.
import type { Change } from '../domain/change.js';

/** The length of an event without ids and tags. */
const FRAME_LENGTH = 450;

/** The approximate length of a change in a response, in characters. */
export function lengthOf({ subject, deviceId, tag = '', previousTag = '' }: Change): number {
  const texts = [subject.scope, subject.participantId, deviceId ?? '', tag, previousTag];
  return texts.reduce((length, text) => length + text.length, FRAME_LENGTH);
}
