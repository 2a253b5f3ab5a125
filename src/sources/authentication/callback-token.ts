// The token in a minted callback URL: `ref.kid.mac` or, with claims, `ref.claims.kid.mac`. The URL is chosen before the
// participantId exists, so the token carries a reference of our own, which the first event received through the URL binds to its
// participant. The token is self-contained: the ref includes the expiry, the claims are what is to be known of the participant,
// and the mac covers both and the source. Only the ref is stored.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { digestOf } from '../../auth/secret.js';
import type { Labels } from '../../domain/labels.js';

const RANDOM_BYTES = 16;
/** Seconds: sufficient until the year 36812. */
const EXPIRY_BYTES = 5;
/** Some intermediaries refuse URLs of more than 2,048 characters. */
export const MAX_CLAIMS_BYTES = 1_024;
const TOKEN = /^(([\w-]{28})(?:\.([\w-]{1,1366}))?)\.([\w-]{8})\.([\w-]{43})$/;

/** What was given when the URL was minted. */
export interface Claims {
  readonly tag?: string | undefined;
  readonly participantRef?: string | undefined;
  readonly labels?: Labels | undefined;
}

export interface Grant extends Claims {
  readonly ref: string;
  readonly expiresAtMs: number;
}

/** Whether a URL with them would be too long. */
export function areTooLong(claims: Claims): boolean {
  return encode(claims).length > MAX_CLAIMS_BYTES;
}

/** The expiry is rounded down to whole seconds. */
export function mintToken(
  source: string,
  secret: string,
  { expiresAtMs, ...claims }: Omit<Grant, 'ref'>,
): { ref: string; token: string } {
  const expiry = Buffer.alloc(EXPIRY_BYTES);
  expiry.writeUIntBE(Math.floor(expiresAtMs / 1_000), 0, EXPIRY_BYTES);
  const ref = Buffer.concat([randomBytes(RANDOM_BYTES), expiry]).toString('base64url');
  const isEmpty = Object.values(claims).every((claim) => claim === undefined);
  const signed = isEmpty ? ref : `${ref}.${encode(claims).toString('base64url')}`;
  return { ref, token: `${signed}.${kidOf(secret)}.${macOf(signed, source, secret).toString('base64url')}` };
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
  const [, signed = '', ref = '', claims, kid = '', mac = ''] = parts ?? [];
  const given = digestOf(mac);
  let secretIndex = -1;
  let isKnownKey = false;
  for (const [index, secret] of secrets.entries()) {
    const isMacValid = timingSafeEqual(given, digestOf(macOf(signed, source, secret).toString('base64url')));
    const isKidEqual = kid === kidOf(secret);
    isKnownKey ||= isKidEqual;
    if (isMacValid && isKidEqual) secretIndex = index;
  }
  if (!parts) return { fault: 'malformed-token' };
  if (secretIndex === -1) return { fault: isKnownKey ? 'wrong-token-signature' : 'unknown-token-key' };
  const bytes = Buffer.from(ref, 'base64url');
  const expiresAtMs = bytes.readUIntBE(RANDOM_BYTES, EXPIRY_BYTES) * 1_000;
  if (nowMs >= expiresAtMs) return { fault: 'expired-token', ref };
  return { grant: { ...claimsOf(claims), ref, expiresAtMs }, secretIndex };
}

function encode(claims: Claims): Buffer {
  return Buffer.from(JSON.stringify(claims));
}

/** `text`: genuine. */
function claimsOf(text: string | undefined): Claims {
  return text === undefined ? {} : (JSON.parse(Buffer.from(text, 'base64url').toString()) as Claims);
}

/** A key id: shows which secret minted the token without revealing it. */
function kidOf(secret: string): string {
  return digestOf(`kid ${secret}`).toString('base64url').slice(0, 8);
}

function macOf(signed: string, source: string, secret: string): Buffer {
  return createHmac('sha256', secret).update(`rollcall callback 1\n${source}\n${signed}`).digest();
}
