// Agora signs the body in two ways, and no time.
// Source: https://docs.agora.io/en/realtime-media/video/build/optimize-and-operate/receive-notifications.
import { hmacSha1, hmacSha256, isSameText } from '../authentication/signature.js';
import type { Authentication, DialectSetting, RawCallback } from '../source.js';

export function authenticateAgora(secrets: readonly string[], { headers, body }: RawCallback): Authentication {
  // If there is the stronger signature, the weaker one does not count, even if it is right.
  const { 'agora-signature-v2': sha256, 'agora-signature': sha1 } = headers;
  const signature = sha256 ?? sha1;
  if (signature === undefined) return { outcome: 'rejected', reason: 'no-credentials' };
  const hmac = sha256 === undefined ? hmacSha1 : hmacSha256;
  const isSigned = secrets.some((secret) => isSameText(String(signature), hmac(secret, [body], 'hex')));
  return isSigned ? { outcome: 'authentic' } : { outcome: 'rejected', reason: 'wrong-signature' };
}

export const signingSecrets: DialectSetting<readonly string[]> = {
  name: 'SOURCE_<NAME>_SIGNING_SECRETS',
  purpose: 'Comma-separated signing secrets of webhooks at Agora. A notification must be signed with one of them.',
  read(text) {
    const secrets = text.split(',').map((secret) => secret.trim());
    if (secrets.every((secret) => /^[!-~]{8,256}$/.test(secret))) return secrets;
    throw new Error('must be a comma-separated list of secrets, each of 8 to 256 printable characters without spaces');
  },
};
