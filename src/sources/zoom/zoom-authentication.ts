// Zoom signs the time of sending and the body with the secret token of the app, and asks for proof that the URL knows that token.
// Source: https://developers.zoom.us/docs/api/webhooks/. Zoom's own library signs the parsed body serialized anew, which differs
// from the body that was sent if that contains escapes.
import { hmacSha256, isSameText, isSignatureInTime } from '../authentication/signature.js';
import { maxSignatureAgeMs, secretList } from '../dialect-settings.js';
import { membersOf } from '../json-callback.js';
import type { Authentication, RawCallback, Reply } from '../source.js';

export const VALIDATION_EVENT = 'endpoint.url_validation';

export interface ZoomSignatures {
  /** At least one. */
  readonly secretTokens: readonly string[];
  readonly maxAgeMs: number;
}

export function authenticateZoom(
  { secretTokens: tokens, maxAgeMs }: ZoomSignatures,
  { headers, body }: RawCallback,
  nowMs: number,
): Authentication {
  const timestamp = String(headers['x-zm-request-timestamp'] ?? '');
  const signature = String(headers['x-zm-signature'] ?? '');
  if (timestamp === '' || signature === '') return { outcome: 'rejected', reason: 'no-credentials' };
  if (!/^\d{1,12}$/.test(timestamp)) return { outcome: 'rejected', reason: 'malformed-credentials' };
  const isSigned = tokens.some((token) =>
    isSameText(signature, `v0=${hmacSha256(token, [`v0:${timestamp}:`, body], 'hex')}`),
  );
  if (!isSigned) return { outcome: 'rejected', reason: 'wrong-signature' };
  const isInTime = isSignatureInTime(Number(timestamp) * 1_000, nowMs, maxAgeMs);
  return isInTime ? { outcome: 'authentic' } : { outcome: 'rejected', reason: 'outdated-signature' };
}

/** Only of an authentic request: otherwise anyone could have texts signed. */
export function validateZoomUrl({ secretTokens: [token = ''] }: ZoomSignatures, body: unknown): Reply | undefined {
  const { event, payload } = membersOf(body);
  const { plainToken } = membersOf(payload);
  if (event !== VALIDATION_EVENT || typeof plainToken !== 'string') return undefined;
  return { status: 200, body: { plainToken, encryptedToken: hmacSha256(token, [plainToken], 'hex') } };
}

export const secretTokens = secretList('SOURCE_<NAME>_SECRET_TOKENS', {
  purpose:
    'Comma-separated secret tokens of the Zoom app. A webhook must be signed with one of them. The first one proves to Zoom that the URL is yours.',
  pattern: /^[\w-]{16,256}$/,
  each: 'secret tokens, each of 16 to 256 letters, digits, - or _',
});

export const maxAgeMs = maxSignatureAgeMs('because Zoom retries webhooks for up to 85 minutes');
