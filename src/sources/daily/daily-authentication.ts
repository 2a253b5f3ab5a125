// Daily signs the time of sending and the body. Source: https://docs.daily.co/reference/rest-api/webhooks.
import { hmacSha256, isSameText } from '../authentication/signature.js';
import { isJsonObject } from '../json-callback.js';
import type { Authentication, DialectSetting, RawCallback } from '../source.js';

/** As Daily advises. */
const TOLERANCE_MS = 5 * 60_000;

/** What Daily sends when a webhook is created, perhaps without a signature. */
const TEST_REQUEST = /^\s*\{\s*"test"\s*:\s*"test"\s*\}\s*$/;
const MAX_TEST_BYTES = 64;

export function authenticateDaily(
  keys: readonly Buffer[],
  { headers, body }: RawCallback,
  nowMs: number,
): Authentication {
  // It has no effect, and its response reveals nothing.
  if (body.length <= MAX_TEST_BYTES && TEST_REQUEST.test(body.toString())) return { outcome: 'authentic' };
  const timestamp = String(headers['x-webhook-timestamp'] ?? '');
  const signature = String(headers['x-webhook-signature'] ?? '');
  if (timestamp === '' || signature === '') return { outcome: 'rejected', reason: 'no-credentials' };
  if (!/^\d{1,14}$/.test(timestamp)) return { outcome: 'rejected', reason: 'malformed-credentials' };
  const isSigned = keys.some((key) => isSameText(signature, hmacSha256(key, [`${timestamp}.`, body], 'base64')));
  if (!isSigned) return { outcome: 'rejected', reason: 'wrong-signature' };
  const isInTime = Math.abs(nowMs - sentAtMs(timestamp)) <= TOLERANCE_MS;
  return isInTime ? { outcome: 'authentic' } : { outcome: 'rejected', reason: 'outdated-signature' };
}

/** The unit is not documented. Times from 1973 on are distinguishable. */
function sentAtMs(timestamp: string): number {
  const time = Number(timestamp);
  return time < 1e11 ? time * 1_000 : time;
}

export function isTestRequest(body: unknown): boolean {
  return isJsonObject(body) && body.test === 'test' && body.type === undefined;
}

export const hmacSecrets: DialectSetting<readonly Buffer[]> = {
  name: 'SOURCE_<NAME>_HMAC_SECRETS',
  purpose:
    'Comma-separated values of `hmac` of the webhook at Daily, in Base64. A callback must be signed with one of them.',
  read: (text) => text.split(',').map((secret) => keyOf(secret.trim())),
};

function keyOf(secret: string): Buffer {
  const key = Buffer.from(secret, 'base64');
  if (key.toString('base64') === secret && key.length >= 16) return key;
  throw new Error('must be a comma-separated list of secrets, each of at least 16 bytes in Base64');
}
