import type { RefusalReason } from '../http/problem.js';

/**
 * Why a callback was refused or not understood, if it is worth keeping. Failed authentication and exceeded limits are not among
 * them. `internal-error`: our own code failed on it.
 */
export const QUARANTINE_REASONS = [
  'malformed-body',
  'invalid-fields',
  'unknown-event',
  'wrong-participant',
  'internal-error',
] as const satisfies readonly RefusalReason[];

export type QuarantineReason = (typeof QUARANTINE_REASONS)[number];

export function isQuarantineReason(reason: RefusalReason): reason is QuarantineReason {
  return (QUARANTINE_REASONS as readonly string[]).includes(reason);
}
