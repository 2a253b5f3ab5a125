// 8x8 signs the time of sending and the body. While a secret is replaced, there is a signature with each.
// Source: https://developer.8x8.com/jaas/docs/webhooks-signatures.
import { hmacSha256, isSameText, isSignatureInTime } from '../authentication/signature.js';
import { maxSignatureAgeMs, secretList } from '../dialect-settings.js';
import type { Authentication, RawCallback } from '../source.js';

export interface JaasSignatures {
  readonly signingSecrets: readonly string[];
  readonly maxAgeMs: number;
}

export function authenticateJaas(
  { signingSecrets: secrets, maxAgeMs: maxAge }: JaasSignatures,
  { headers, body }: RawCallback,
  nowMs: number,
): Authentication {
  const header = String(headers['x-jaas-signature'] ?? '');
  if (header === '') return { outcome: 'rejected', reason: 'no-credentials' };
  // Signatures of other schemes than v1 do not count, so that nobody can choose a weaker one.
  const [[timestamp = ''], signatures] = [valuesOf(header, 't='), valuesOf(header, 'v1=')];
  if (!/^\d{1,12}$/.test(timestamp)) return { outcome: 'rejected', reason: 'malformed-credentials' };
  const expected = secrets.map((secret) => hmacSha256(secret, [`${timestamp}.`, body], 'base64'));
  const isSigned = signatures.some((one) => expected.some((other) => isSameText(one, other)));
  if (!isSigned) return { outcome: 'rejected', reason: 'wrong-signature' };
  const isInTime = isSignatureInTime(Number(timestamp) * 1_000, nowMs, maxAge);
  return isInTime ? { outcome: 'authentic' } : { outcome: 'rejected', reason: 'outdated-signature' };
}

/** The header is like `t=1632490060,v1=xlzq…V0=`: values may contain `=`. */
function valuesOf(header: string, prefix: 't=' | 'v1='): string[] {
  const elements = header.split(',').map((element) => element.trim());
  return elements.filter((element) => element.startsWith(prefix)).map((element) => element.slice(prefix.length));
}

export const signingSecrets = secretList('SOURCE_<NAME>_SIGNING_SECRETS', {
  purpose:
    'Comma-separated secrets of the webhook endpoint at JaaS, each with its `whsec_`. A webhook must be signed with one of them.',
  pattern: /^whsec_[\w+/=-]{16,256}$/,
  each: 'secrets, each whsec_ and 16 to 256 characters',
});

export const maxAgeMs = maxSignatureAgeMs('because 8x8 does not document whether retries are signed again');
