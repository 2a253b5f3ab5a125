// The token in a minted callback URL: `ref.kid.mac`. The URL is chosen before the participantId exists, so the token carries a
// reference of our own, which the first event received through the URL binds to its participant. The token is self-contained:
// the ref includes the expiry and the tag, and the mac covers the ref and the source.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { digestOf } from '../../auth/secret.js';

const RANDOM_BYTES = 16;
/** Seconds: sufficient until the year 36812. */
const EXPIRY_BYTES = 5;
const HEAD_BYTES = RANDOM_BYTES + EXPIRY_BYTES;
const TOKEN = /^([\w-]{28,1024})\.([\w-]{8})\.([\w-]{43})$/;

export interface Grant {
  readonly ref: string;
  readonly expiresAtMs: number;
  /** The tag given when the URL was minted. */
  readonly tag: string | undefined;
}

/** The expiry is rounded down to whole seconds. */
export function mintToken(
  source: string,
  secret: string,
  { expiresAtMs, tag }: Omit<Grant, 'ref'>,
): { ref: string; token: string } {
  const expiry = Buffer.alloc(EXPIRY_BYTES);
  expiry.writeUIntBE(Math.floor(expiresAtMs / 1_000), 0, EXPIRY_BYTES);
  const ref = Buffer.concat([randomBytes(RANDOM_BYTES), expiry, Buffer.from(tag ?? '')]).toString('base64url');
  return { ref, token: `${ref}.${kidOf(secret)}.${macOf(ref, source, secret).toString('base64url')}` };
}

/** `wrong-token-signature`: the token was altered, or minted for another source. */
export type TokenFault = 'malformed-token' | 'unknown-token-key' | 'wrong-token-signature' | 'expired-token';

export type TokenVerification =
  /** `secretIndex`: of the secret that minted the token. */
  | { readonly grant: Grant; readonly secretIndex: number }
  /** `ref`: only of a genuine token. */
  | { readonly fault: TokenFault; readonly ref?: string };

/** Takes the same time for any token, valid or not. */
export function verifyToken(
  token: string,
  source: string,
  secrets: readonly string[],
  nowMs: number,
): TokenVerification {
  const parts = TOKEN.exec(token);
  const [, ref = '', kid = '', mac = ''] = parts ?? [];
  const given = digestOf(mac);
  let secretIndex = -1;
  let isKnownKey = false;
  for (const [index, secret] of secrets.entries()) {
    const isMacValid = timingSafeEqual(given, digestOf(macOf(ref, source, secret).toString('base64url')));
    const isKidEqual = kid === kidOf(secret);
    isKnownKey ||= isKidEqual;
    if (isMacValid && isKidEqual) secretIndex = index;
  }
  if (!parts) return { fault: 'malformed-token' };
  if (secretIndex === -1) return { fault: isKnownKey ? 'wrong-token-signature' : 'unknown-token-key' };
  const bytes = Buffer.from(ref, 'base64url');
  const expiresAtMs = bytes.readUIntBE(RANDOM_BYTES, EXPIRY_BYTES) * 1_000;
  const tag = bytes.subarray(HEAD_BYTES).toString() || undefined;
  return nowMs < expiresAtMs ? { grant: { ref, expiresAtMs, tag }, secretIndex } : { fault: 'expired-token', ref };
}

/** A key id: shows which secret minted the token without revealing it. */
function kidOf(secret: string): string {
  return digestOf(`kid ${secret}`).toString('base64url').slice(0, 8);
}

function macOf(ref: string, source: string, secret: string): Buffer {
  return createHmac('sha256', secret).update(`rollcall callback 1\n${source}\n${ref}`).digest();
}
