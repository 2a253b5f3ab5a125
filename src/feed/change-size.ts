// The size of changes in answers. An entry of the feed holds only once what its changes share; an answer repeats it in each
// change. So a limit on the size of entries does not limit the size of answers.
import type { Change } from '../domain/change.js';

/** Everything but ids and tags, as JSON within an event. */
const FRAME_LENGTH = 450;

/** The approximate length of a change in an answer, in characters. */
export function lengthOf({ subject, deviceId, tag = '', previousTag = '' }: Change): number {
  const texts = [subject.scope, subject.participantId, deviceId ?? '', tag, previousTag];
  return texts.reduce((length, text) => length + text.length, FRAME_LENGTH);
}
