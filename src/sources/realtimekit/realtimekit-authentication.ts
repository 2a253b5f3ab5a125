// RealtimeKit signs the body with one key for all its customers. So a signature only says that a webhook comes from RealtimeKit, not
// whose it is: the dialect also demands a secret in the URL.
// Source: https://developers.cloudflare.com/realtime/realtimekit/webhooks/.
import type { KeyObject } from 'node:crypto';
import { isRsaSigned, publicKeysIn } from '../authentication/rsa-signature.js';
import type { Authentication, DialectSetting, RawCallback } from '../source.js';

export function authenticateRealtimekit(keys: readonly KeyObject[], { headers, body }: RawCallback): Authentication {
  const signature = String(headers['rtk-signature'] ?? '');
  if (signature === '') return { outcome: 'rejected', reason: 'no-credentials' };
  const isSigned = isRsaSigned(body, signature, { keys, hash: 'sha256' });
  return isSigned ? { outcome: 'authentic' } : { outcome: 'rejected', reason: 'wrong-signature' };
}

export const publicKeys: DialectSetting<readonly KeyObject[]> = {
  name: 'SOURCE_<NAME>_PUBLIC_KEYS',
  purpose:
    'The public key of RealtimeKit in PEM, or several, one after another. A webhook must be signed with one of them.',
  read(text) {
    const keys = publicKeysIn(text);
    if (keys) return keys;
    throw new Error('must be one or several RSA keys of at least 2048 bits in PEM');
  },
};
