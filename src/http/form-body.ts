// Bodies of the content type application/x-www-form-urlencoded, which some providers send instead of JSON.
import { isUtf8 } from 'node:buffer';
import { ProblemError } from './problem.js';

/** Providers send fewer than 20. Each costs time, also before the signature of the form can be checked. */
export const MAX_FORM_FIELDS = 200;

export function isForm(contentType: string): boolean {
  return /^application\/x-www-form-urlencoded *(;|$)/i.test(contentType);
}

/** Of a field that occurs several times, the first one counts. Throws a problem, as `formFields` does. */
export function parseForm(body: Buffer): Record<string, string> {
  const fields = new Map<string, string>();
  for (const [name, value] of formFields(body)) if (!fields.has(name)) fields.set(name, value);
  return Object.fromEntries(fields);
}

/**
 * The fields as they occur in the body, decoded. Throws a problem if there are too many, or if the body is not valid UTF-8 when
 * decoded: two ids that are not would both decode to replacement characters and become the same id.
 */
export function formFields(body: Buffer): [name: string, value: string][] {
  if (!isUtf8(body)) throw refusal('The body is not valid UTF-8.');
  const pairs = body.toString().split('&', MAX_FORM_FIELDS + 1);
  if (pairs.length > MAX_FORM_FIELDS) throw refusal(`The body has more than ${MAX_FORM_FIELDS} fields.`);
  return pairs.flatMap((pair): [string, string][] => {
    const [name = '', ...value] = pair.split('=');
    return pair === '' ? [] : [[decode(name), decode(value.join('='))]];
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw refusal('The body is not a valid form.');
  }
}

function refusal(detail: string): ProblemError {
  return new ProblemError('invalid-request', { detail }, { reason: 'malformed-body' });
}
