// Twilio signs the URL that it was given and the decoded fields of the form, without a time.
// Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security, and `validateRequest` of the SDK.
import { formFields } from '../../http/form-body.js';
import { hmacSha1, isSameText } from '../authentication/signature.js';
import { secretList } from '../dialect-settings.js';
import type { Authentication, RawCallback } from '../source.js';

export function authenticateTwilio(
  tokens: readonly string[],
  { headers, body, url = '' }: RawCallback,
): Authentication {
  const signature = String(headers['x-twilio-signature'] ?? '');
  if (signature === '') return { outcome: 'rejected', reason: 'no-credentials' };
  const fields = signedFields(body);
  const isSigned =
    fields !== undefined &&
    tokens.some((token) =>
      spellingsOf(url).some((spelling) => isSameText(signature, hmacSha1(token, [spelling, fields], 'base64'))),
    );
  return isSigned ? { outcome: 'authentic' } : { outcome: 'rejected', reason: 'wrong-signature' };
}

/** Sorted by name and, if a name occurs several times, by value, each value once. undefined: not a form, or too many fields. */
function signedFields(body: Buffer): string | undefined {
  const valuesOf = new Map<string, Set<string>>();
  try {
    for (const [name, value] of formFields(body)) valuesOf.set(name, (valuesOf.get(name) ?? new Set()).add(value));
  } catch {
    return undefined;
  }
  const names = [...valuesOf.keys()].sort();
  return names.flatMap((name) => [...(valuesOf.get(name) ?? [])].sort().map((value) => name + value)).join('');
}

/** Twilio signs the port of some URLs, even if it is that of the scheme, and omits that of others. */
function spellingsOf(url: string): string[] {
  const [, origin = '', port, path = ''] = /^(https?:\/\/[^/]*?)(:\d+)?(\/.*)$/.exec(url) ?? [];
  const ownPort = port ?? (origin.startsWith('https:') ? ':443' : ':80');
  return [origin + path, origin + ownPort + path];
}

export const authTokens = secretList('SOURCE_<NAME>_AUTH_TOKENS', {
  purpose:
    'Comma-separated auth tokens of the Twilio account: the primary one and, while you change it, the secondary one. A callback must be signed with one of them.',
  pattern: /^[\w-]{16,256}$/,
  each: 'auth tokens, each of 16 to 256 letters, digits, - or _',
});
