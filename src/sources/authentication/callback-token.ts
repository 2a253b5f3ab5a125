// The token in a minted callback URL: `ref.kid.mac`. The provider's URL is chosen before there is a participantId, so the
// token stands for a reference of ours; the first event heard through it binds it to its participant. All that is needed to
// verify it is in it: the ref holds when it expires and the tag, and the mac covers the ref and the source.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { digestOf } from '../../auth/secret.js';

const RANDOM_BYTES = 16;
/** Seconds, in as many bytes as last until the year 36812. */
const EXPIRY_BYTES = 5;
const HEAD_BYTES = RANDOM_BYTES + EXPIRY_BYTES;
const TOKEN = /^([\w-]{28,1024})\.([\w-]{8})\.([\w-]{43})$/;

export interface Grant {
  readonly ref: string;
  readonly expiresAtMs: number;
  /** undefined: none was given at minting. */
  readonly tag: string | undefined;
}

/** Whole seconds: what is left of one is cut off. */
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

/** What is wrong with a token. A signature is wrong of one that was altered, or minted for another source. */
export type TokenFault = 'malformed-token' | 'unknown-token-key' | 'wrong-token-signature' | 'expired-token';

export type TokenReading =
  /** `secretIndex`: of the secret that minted it. */
  | { readonly grant: Grant; readonly secretIndex: number }
  /** `ref`: of a genuine token. */
  | { readonly fault: TokenFault; readonly ref?: string };

/** Takes the same time whatever it is. */
export function readToken(token: string, source: string, secrets: readonly string[], nowMs: number): TokenReading {
  const parts = TOKEN.exec(token);
  const [, ref = '', kid = '', mac = ''] = parts ?? [];
  const given = digestOf(mac);
  let secretIndex = -1;
  let isKnownKey = false;
  for (const [index, secret] of secrets.entries()) {
    const isRight = timingSafeEqual(given, digestOf(macOf(ref, source, secret).toString('base64url')));
    const isItsKey = kid === kidOf(secret);
    isKnownKey ||= isItsKey;
    if (isRight && isItsKey) secretIndex = index;
  }
  if (!parts) return { fault: 'malformed-token' };
  if (secretIndex === -1) return { fault: isKnownKey ? 'wrong-token-signature' : 'unknown-token-key' };
  const bytes = Buffer.from(ref, 'base64url');
  const expiresAtMs = bytes.readUIntBE(RANDOM_BYTES, EXPIRY_BYTES) * 1_000;
  const tag = bytes.subarray(HEAD_BYTES).toString() || undefined;
  return nowMs < expiresAtMs ? { grant: { ref, expiresAtMs, tag }, secretIndex } : { fault: 'expired-token', ref };
}

/** Says which secret it was, for people; it is no secret itself. */
function kidOf(secret: string): string {
  return digestOf(`kid ${secret}`).toString('base64url').slice(0, 8);
}

function macOf(ref: string, source: string, secret: string): Buffer {
  return createHmac('sha256', secret).update(`rollcall callback 1\n${source}\n${ref}`).digest();
}
