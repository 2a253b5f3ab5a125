import type { FastifyBaseLogger, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { traceFields } from '../observability/tracing/tracer.js';

/**
 * A logger whose lines have the ids of the request and of its trace, and the name of its API key. Made on demand: most requests
 * log nothing.
 */
export function requestLog({ log, id, access, raw }: FastifyRequest): FastifyBaseLogger {
  return log.child({ requestId: id, key: access?.keyName, ...traceFields(raw) });
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
