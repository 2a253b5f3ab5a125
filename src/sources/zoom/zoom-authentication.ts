// Zoom signs the time of sending and the body with the secret token of the app, and asks for proof that the URL knows that token.
// Source: https://developers.zoom.us/docs/api/webhooks/. Zoom's own library signs the parsed body serialized anew, which differs
// from the body that was sent if that contains escapes.
import { hmacSha256, isSameText } from '../authentication/signature.js';
import { maxSignatureAgeMs } from '../dialect-settings.js';
import { membersOf } from '../json-callback.js';
import type { Authentication, DialectSetting, RawCallback, Reply } from '../source.js';

const MAX_AHEAD_MS = 5 * 60_000;

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
  const ageMs = nowMs - Number(timestamp) * 1_000;
  const isInTime = ageMs <= maxAgeMs && ageMs >= -MAX_AHEAD_MS;
  return isInTime ? { outcome: 'authentic' } : { outcome: 'rejected', reason: 'outdated-signature' };
}

/** Only of an authentic request: otherwise anyone could have texts signed. */
export function validateZoomUrl({ secretTokens: [token = ''] }: ZoomSignatures, body: unknown): Reply | undefined {
  const { event, payload } = membersOf(body);
  const { plainToken } = membersOf(payload);
  if (event !== VALIDATION_EVENT || typeof plainToken !== 'string') return undefined;
  return { status: 200, body: { plainToken, encryptedToken: hmacSha256(token, [plainToken], 'hex') } };
}

export const secretTokens: DialectSetting<readonly string[]> = {
  name: 'SOURCE_<NAME>_SECRET_TOKENS',
  purpose:
    'Comma-separated secret tokens of the Zoom app. A webhook must be signed with one of them. The first one proves to Zoom that the URL is yours.',
  read(text) {
    const tokens = text.split(',').map((token) => token.trim());
    if (tokens.every((token) => /^[\w-]{16,256}$/.test(token))) return tokens;
    throw new Error('must be a comma-separated list of secret tokens, each of 16 to 256 letters, digits, - or _');
  },
};

export const maxAgeMs = maxSignatureAgeMs('since Zoom sends webhooks again for up to 85 minutes');
