// What the requests for endpoints and rules have in common: Idempotency-Key, ETag and If-Match.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { etagOf, namesEtag } from '../../http/etag.js';
import type { ProblemError } from '../../http/problem.js';
import type { SettingFault, Stored } from '../stored-settings.js';

export type ProblemOf = (fault: SettingFault) => ProblemError;

/** Keys of different clients may have the same text. */
export function keyOfClient({ access }: FastifyRequest, idempotencyKey: string | undefined): string | undefined {
  return idempotencyKey === undefined ? undefined : `${access?.keyName ?? ''} ${idempotencyKey}`;
}

/** Throws if it is a fault. */
export function valueWithEtag<S>(stored: Stored<S> | SettingFault, reply: FastifyReply, problemOf: ProblemOf): S {
  if (typeof stored === 'string') throw problemOf(stored);
  reply.header('etag', etagOf(stored.text));
  return stored.value;
}

/**
 * Throws if it is not the one that the client knows. Returns the text that must not change meanwhile; undefined: any may. `stored`:
 * undefined if it cannot be decoded, so that it has no ETag.
 */
export function expectedText<S>(
  stored: Stored<S> | undefined,
  ifMatch: string | undefined,
  problemOf: ProblemOf,
): string | undefined {
  if (ifMatch === undefined) return undefined;
  if (!stored) throw problemOf('unknown');
  if (!namesEtag(ifMatch, etagOf(stored.text))) throw problemOf('changed');
  return stored.text;
}
