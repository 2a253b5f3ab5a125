// Bodies of the content type application/x-www-form-urlencoded, which some providers send instead of JSON.
import { isUtf8 } from 'node:buffer';
import { ProblemError } from './problem.js';

export function isForm(contentType: string): boolean {
  return /^application\/x-www-form-urlencoded *(;|$)/i.test(contentType);
}

/**
 * Of a field that occurs several times, the first one counts. Throws a problem if the body is not valid UTF-8 when decoded: two
 * ids that are not would both decode to replacement characters and become the same id.
 */
export function parseForm(body: Buffer): Record<string, string> {
  if (!isUtf8(body)) throw refusal('The body is not valid UTF-8.');
  const fields = new Map<string, string>();
  for (const pair of body.toString().split('&')) {
    const [name = '', ...value] = pair.split('=');
    const decoded = decode(name);
    if (pair !== '' && !fields.has(decoded)) fields.set(decoded, decode(value.join('=')));
  }
  return Object.fromEntries(fields);
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
