// Who a connection belongs to. Vonage does not know users: an application puts a text into each token, and finds it in the data of
// the connection.
import { identifierFault } from '../../domain/identifier.js';
import type { ParticipantId } from '../../domain/subject.js';
import { isAbsent, isJsonObject, parsedJson } from '../json-callback.js';
import type { DialectSetting } from '../source.js';

/** Where the id is in data that is JSON; undefined: the data is the id. */
export interface ParticipantPointer {
  readonly text: string;
  /** Names of members and indexes of elements, from the outermost to the innermost. */
  readonly path: readonly string[];
}

/** `fault`: phrased to follow the name of the member. undefined: there is no data. */
export type ConnectionOwner = { readonly participantId: ParticipantId } | { readonly fault: string } | undefined;

export function ownerIn(data: unknown, pointer: ParticipantPointer | undefined): ConnectionOwner {
  if (isAbsent(data)) return undefined;
  const id = pointer && typeof data === 'string' ? valueAt(data, pointer) : data;
  const fault = identifierFault(id);
  if (fault === undefined) return { participantId: id as ParticipantId };
  if (typeof data !== 'string') return { fault: 'must be a string' };
  return {
    fault: pointer
      ? `has no valid id at ${pointer.text}: it ${fault}`
      : `${fault}; if it is JSON, SOURCE_<NAME>_PARTICIPANT_POINTER must say where the id is`,
  };
}

/** A whole number becomes text. Larger ones have lost digits, so that two users could get the same id. */
function valueAt(data: string, { path }: ParticipantPointer): unknown {
  const value = path.reduce(memberOf, parsedJson(data));
  return Number.isSafeInteger(value) ? String(value) : value;
}

/** Only what the JSON itself contains: `__proto__` and `length` are names like any other. */
function memberOf(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return /^(?:0|[1-9]\d*)$/.test(name) ? value[Number(name)] : undefined;
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** RFC 6901. */
export const participantPointer: DialectSetting<ParticipantPointer | undefined> = {
  name: 'SOURCE_<NAME>_PARTICIPANT_POINTER',
  purpose:
    'Where the id of the participant is in the connection data, if that is JSON: a JSON pointer, such as /userId. Unset: the whole text is the id.',
  fallback: '',
  read(text) {
    if (text === '') return undefined;
    if (!/^(?:\/(?:[^~/]|~[01])*)+$/.test(text)) throw new Error('must be a JSON pointer like /userId, or empty');
    const names = text.slice(1).split('/');
    return { text, path: names.map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~')) };
  },
};
