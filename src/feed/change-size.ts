// The size of changes in responses. A feed entry stores the values that its changes share once, a response repeats them in
// each change, so limits on the size of entries do not limit the size of responses.
import type { Change } from '../domain/change.js';

/** The length of an event without ids and tags. */
const FRAME_LENGTH = 450;
/** Of a device. */
const CONNECTION_LENGTH = 60;
const EARLIER_CONNECTION_LENGTH = 130;

/** The approximate length of a change in a response, in characters. */
export function lengthOf({ subject, deviceId, tag = '', previousTag = '', connection }: Change): number {
  const texts = [subject.scope, subject.participantId, deviceId ?? '', tag, previousTag];
  const length = texts.reduce((sum, text) => sum + text.length, FRAME_LENGTH);
  if (!connection) return length;
  const earlierCount = connection.correction?.connections.length ?? 0;
  return length + CONNECTION_LENGTH + earlierCount * EARLIER_CONNECTION_LENGTH;
}
