import type { FastifyBaseLogger, FastifyRequest } from 'fastify';

/** A logger whose lines have the id of the request and the name of its API key. Made on demand: most requests log nothing. */
export function requestLog({ log, id, access }: FastifyRequest): FastifyBaseLogger {
  return log.child({ requestId: id, key: access?.keyName });
}
