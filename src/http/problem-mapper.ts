// Converts errors to problems (RFC 9457), and problems to responses.
import type { IncomingMessage } from 'node:http';
import { HttpException } from '@nestjs/common';
import {
  notFoundProblem,
  PROBLEM_CONTENT_TYPE,
  PROBLEMS,
  ProblemError,
  type ProblemName,
  type ProblemNote,
  problemBody,
  problemOfStatus,
} from './problem.js';

export class ProblemMapper {
  /** `translate`: returns the problem for an error of the application, and undefined for any other error. */
  constructor(private readonly translate: (error: unknown) => ProblemError | undefined) {}

  of(error: unknown, request: IncomingMessage): ProblemError {
    return this.translate(error) ?? toProblem(error, request);
  }
}

export function problemResponse(problem: ProblemError, requestId: string) {
  return {
    status: problem.status,
    headers: { ...problem.members.headers, 'content-type': PROBLEM_CONTENT_TYPE },
    text: JSON.stringify(problemBody(problem, requestId)),
  };
}

/**
 * A ProblemError stays as it is. An error of Nest or Fastify becomes the problem of its status, and any other error
 * `internal-error`. Callers see the message of an error only if its status is below 500.
 */
function toProblem(error: unknown, { socket }: IncomingMessage): ProblemError {
  if (error instanceof ProblemError) return error;
  const status =
    error instanceof HttpException ? error.getStatus() : Number((error as { statusCode?: number })?.statusCode);
  const problem = problemOfStatus(status);
  if (problem === 'not-found') return notFoundProblem({ reason: 'unknown-path' });
  return new ProblemError(problem, { detail: detailOf(problem, error) }, noteOf(problem, error, socket.destroyed));
}

/** The problem for an error that is a fault of our own. */
export function internalProblem(error: unknown): ProblemError {
  return new ProblemError(
    'internal-error',
    { detail: detailOf('internal-error', error) },
    noteOf('internal-error', error, false),
  );
}

function noteOf(problem: ProblemName, error: unknown, isDisconnected: boolean): ProblemNote {
  if (problem === 'internal-error') return { logFields: { err: error } };
  return isDisconnected && problem === 'invalid-request' ? { reason: 'client-disconnected' } : {};
}

function detailOf(problem: ProblemName, error: unknown): string {
  if (PROBLEMS[problem].status >= 500)
    return 'The log of the service has the details, under the request id in `instance`.';
  return (error as Error).message;
}
