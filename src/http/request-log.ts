import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';

/** A logger whose lines have the id of the request and the name of its API key. Made on demand: most requests log nothing. */
export function requestLog({ log, id, access }: FastifyRequest): FastifyBaseLogger {
  return log.child({ requestId: id, key: access?.keyName });
}

interface Answered {
  readonly method: string | undefined;
  /** The pattern of the route. */
  readonly route: string | undefined;
  readonly status: number;
  readonly elapsedMs: number;
}

/** The line of each response, at log level `debug`. */
export function logAnswered(log: Pick<Logger, 'debug'>, { elapsedMs, ...fields }: Answered): void {
  log.debug({ ...fields, elapsedMs: Math.round(elapsedMs) }, 'answered');
}
