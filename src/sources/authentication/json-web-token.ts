// JSON Web Tokens (RFC 7519) that providers send with their callbacks, and expect with requests to their APIs. Only HS256 is accepted,
// whatever a token asks for, and nothing of it is parsed before its signature has been verified.
import type { RefusalReason } from '../../http/problem.js';
import { hmacSha256, isSameText } from './signature.js';

/** How far the clock of the provider may differ from ours. */
const TOLERANCE_MS = 10_000;

type Claims = Readonly<Record<string, unknown>>;

export type TokenVerification<K> =
  /** `keys`: those that the token is signed with. */
  { readonly claims: Claims; readonly keys: readonly K[] } | { readonly fault: RefusalReason };

interface TokenTime {
  readonly nowMs: number;
  /** How long a token is valid that says when it was issued, but not when it expires; undefined: it must have an expiry. */
  readonly maxAgeMs?: number;
}

/** All keys are tried, so that they can be rotated. */
export function verifyJwt<K extends { readonly secret: string }>(
  token: string,
  keys: readonly K[],
  { nowMs, maxAgeMs }: TokenTime,
): TokenVerification<K> {
  const [header = '', payload = '', signature = '', ...others] = token.split('.');
  if (signature === '' || others.length > 0) return { fault: 'malformed-credentials' };
  const signers = keys.filter(({ secret }) =>
    isSameText(signature, hmacSha256(secret, [header, '.', payload], 'base64url')),
  );
  if (signers.length === 0) return { fault: 'wrong-signature' };
  const { alg, crit } = decode(header);
  if (alg !== 'HS256' || crit !== undefined) return { fault: 'malformed-credentials' };
  const claims = withExpiry(decode(payload), maxAgeMs);
  const fault = timeFault(claims, nowMs);
  return fault ? { fault } : { claims, keys: signers };
}

function withExpiry(claims: Claims, maxAgeMs: number | undefined): Claims {
  const { iat } = claims;
  if (maxAgeMs === undefined || typeof iat !== 'number') return claims;
  return { nbf: iat, exp: iat + maxAgeMs / 1_000, ...claims };
}

/** The claims must include an expiry. */
export function signJwt(claims: Claims, secret: string): string {
  const [header, payload] = [{ alg: 'HS256', typ: 'JWT' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return `${header}.${payload}.${hmacSha256(secret, [`${header}.${payload}`], 'base64url')}`;
}

function timeFault({ exp, nbf = 0 }: Claims, nowMs: number): RefusalReason | undefined {
  if (typeof exp !== 'number' || typeof nbf !== 'number') return 'malformed-credentials';
  const isInTime = exp * 1_000 > nowMs - TOLERANCE_MS && nbf * 1_000 <= nowMs + TOLERANCE_MS;
  return isInTime ? undefined : 'outdated-signature';
}

/** Empty if it is not an object in JSON. */
function decode(part: string): Claims {
  try {
    return Object(JSON.parse(Buffer.from(part, 'base64url').toString())) as Claims;
  } catch {
    return {};
  }
}
