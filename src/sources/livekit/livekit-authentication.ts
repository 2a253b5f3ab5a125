// LiveKit sends a JSON Web Token with each webhook, which contains a hash of the body.
// Source: https://docs.livekit.io/intro/basics/rooms-participants-tracks/webhooks-events, and the SDK's WebhookReceiver. That
// one also accepts algorithms other than HS256, which LiveKit does not use.
import { createHash } from 'node:crypto';
import { verifyJwt } from '../authentication/json-web-token.js';
import { isSameText } from '../authentication/signature.js';
import type { Authentication, DialectSetting, RawCallback } from '../source.js';

export interface LivekitKey {
  readonly id: string;
  readonly secret: string;
}

/** The header contains the token only, without `Bearer`. */
export function authenticateLivekit(
  keys: readonly LivekitKey[],
  { headers: { authorization }, body }: RawCallback,
  nowMs: number,
): Authentication {
  if (authorization === undefined) return { outcome: 'rejected', reason: 'no-credentials' };
  const token = verifyJwt(authorization, keys, { nowMs });
  if ('fault' in token) return { outcome: 'rejected', reason: token.fault };
  const { iss, sha256 } = token.claims;
  const isOfKey = token.keys.some(({ id }) => id === iss);
  // The tokens of clients are signed with the same keys, but have no hash.
  const isOfBody = typeof sha256 === 'string' && isSameText(sha256, createHash('sha256').update(body).digest('base64'));
  return isOfKey && isOfBody ? { outcome: 'authentic' } : { outcome: 'rejected', reason: 'wrong-signature' };
}

export const apiKeys: DialectSetting<readonly LivekitKey[]> = {
  name: 'SOURCE_<NAME>_API_KEYS',
  purpose: 'Comma-separated API keys of LiveKit, each as key:secret. A webhook must be signed with one of them.',
  read(text) {
    const entries = text.split(',').map((entry) => /^([^\s:]+):(\S+)$/.exec(entry.trim()));
    return entries.map((entry) => {
      const [, id, secret] = entry ?? [];
      if (id === undefined || secret === undefined) throw new Error('must be a comma-separated list of key:secret');
      return { id, secret };
    });
  },
};
