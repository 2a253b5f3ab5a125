// Vonage sends a JSON Web Token with each callback, which contains a hash of the body.
// Source: https://developer.vonage.com/en/video/guides/secure-callbacks. The SDK checks the token only, not the hash.
import { createHash } from 'node:crypto';
import { verifyJwt } from '../authentication/json-web-token.js';
import { isSameText } from '../authentication/signature.js';
import { maxSignatureAgeMs, secretList } from '../dialect-settings.js';
import type { Authentication, RawCallback } from '../source.js';

export interface VonageSignatures {
  readonly signatureSecrets: readonly string[];
  readonly maxAgeMs: number;
}

export function authenticateVonage(
  { signatureSecrets: secrets, maxAgeMs }: VonageSignatures,
  { headers: { authorization }, body }: RawCallback,
  nowMs: number,
): Authentication {
  if (authorization === undefined) return { outcome: 'rejected', reason: 'no-credentials' };
  const [, bearer] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
  if (bearer === undefined) return { outcome: 'rejected', reason: 'malformed-credentials' };
  const keys = secrets.map((secret) => ({ secret }));
  const token = verifyJwt(bearer, keys, { nowMs, maxAgeMs });
  if ('fault' in token) return { outcome: 'rejected', reason: token.fault };
  const { payload_hash: hash } = token.claims;
  const isOfBody = typeof hash === 'string' && isSameText(hash, createHash('sha256').update(body).digest('hex'));
  return isOfBody ? { outcome: 'authentic' } : { outcome: 'rejected', reason: 'wrong-signature' };
}

export const signatureSecrets = secretList('SOURCE_<NAME>_SIGNATURE_SECRETS', {
  purpose: 'Comma-separated signature secrets of Vonage. A callback must be signed with one of them.',
  pattern: /^\S{16,256}$/,
  each: 'secrets, each of 16 to 256 characters without spaces',
});

export const maxAgeMs = maxSignatureAgeMs('because Vonage retries webhooks for that long', 24);
