// Agora signs the body in two ways, and no time.
// Source: https://docs.agora.io/en/realtime-media/video/build/optimize-and-operate/receive-notifications.
import { hmacSha1, hmacSha256, isSameText } from '../authentication/signature.js';
import { secretList } from '../dialect-settings.js';
import type { Authentication, RawCallback } from '../source.js';

export function authenticateAgora(secrets: readonly string[], { headers, body }: RawCallback): Authentication {
  // If there is the stronger signature, the weaker one does not count, even if it is right.
  const { 'agora-signature-v2': sha256, 'agora-signature': sha1 } = headers;
  const signature = sha256 ?? sha1;
  if (signature === undefined) return { outcome: 'rejected', reason: 'no-credentials' };
  const hmac = sha256 === undefined ? hmacSha1 : hmacSha256;
  const isSigned = secrets.some((secret) => isSameText(String(signature), hmac(secret, [body], 'hex')));
  return isSigned ? { outcome: 'authentic' } : { outcome: 'rejected', reason: 'wrong-signature' };
}

export const signingSecrets = secretList('SOURCE_<NAME>_SIGNING_SECRETS', {
  purpose: 'Comma-separated signing secrets of webhooks at Agora. A notification must be signed with one of them.',
  pattern: /^[!-~]{8,256}$/,
  each: 'secrets, each of 8 to 256 printable characters without spaces',
});
