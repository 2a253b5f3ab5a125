// Signatures of Standard Webhooks, with symmetric secrets. Libraries for senders exist in many languages.
// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
import type { IncomingHttpHeaders } from 'node:http';
import { hmacSha256, isSameText } from '../authentication/signature.js';
import type { Authentication, DialectSetting, RawCallback } from '../source.js';

/** How old a signature may be, and how far ahead. */
const TOLERANCE_SECONDS = 5 * 60;

/** `svix` is the older name, which senders still use. */
const PREFIXES = ['webhook', 'svix'] as const;

/** Signatures with another version are skipped, since there may be several. */
const VERSION = 'v1,';

export function authenticateStandardWebhook(
  keys: readonly Buffer[],
  { headers, body }: RawCallback,
  nowMs: number,
): Authentication {
  const { id, timestamp, signatures } = signatureHeaders(headers);
  if (id === '' || timestamp === '' || signatures === '') return { outcome: 'rejected', reason: 'no-credentials' };
  if (!/^\d{1,12}$/.test(timestamp)) return { outcome: 'rejected', reason: 'malformed-credentials' };
  const expected = keys.map((key) => hmacSha256(key, [`${id}.${timestamp}.`, body], 'base64'));
  const given = signatures.split(' ').filter((one) => one.startsWith(VERSION));
  const isSigned = given.some((one) => expected.some((other) => isSameText(one.slice(VERSION.length), other)));
  if (!isSigned) return { outcome: 'rejected', reason: 'wrong-signature' };
  const isInTime = Math.abs(Math.floor(nowMs / 1_000) - Number(timestamp)) <= TOLERANCE_SECONDS;
  return isInTime ? { outcome: 'authentic' } : { outcome: 'rejected', reason: 'outdated-signature' };
}

function signatureHeaders(headers: IncomingHttpHeaders) {
  const prefix = PREFIXES.find((one) => headers[`${one}-signature`] !== undefined) ?? PREFIXES[0];
  const header = (name: string) => String(headers[`${prefix}-${name}`] ?? '');
  return { id: header('id'), timestamp: header('timestamp'), signatures: header('signature') };
}

export const signingSecrets: DialectSetting<readonly Buffer[]> = {
  name: 'SOURCE_<NAME>_SIGNING_SECRETS',
  purpose:
    'Comma-separated secrets, each `whsec_` and 24 to 64 bytes in Base64. A callback must be signed with one of them.',
  read: (text) => text.split(',').map((secret) => keyOf(secret.trim())),
};

function keyOf(secret: string): Buffer {
  const [, base64 = ''] = /^whsec_(.+)$/.exec(secret) ?? [];
  const key = Buffer.from(base64, 'base64');
  if (key.toString('base64') === base64 && key.length >= 24 && key.length <= 64) return key;
  throw new Error('must be a comma-separated list of secrets, each whsec_ and 24 to 64 bytes in Base64');
}
