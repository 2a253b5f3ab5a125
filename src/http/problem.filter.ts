import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
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
import type { Refusals } from './refusals.js';

/** Answers every error with a problem document. `translate` maps the application's own errors. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly refusals: Refusals,
    private readonly translate: (error: unknown) => ProblemError | undefined,
  ) {}

  async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const problem = this.translate(error) ?? toProblem(error, request);
    const isFailure = problem.problem === 'internal-error';
    // Once a stream has started, an error closes it: that is not a refusal.
    if (isFailure || !reply.sent) this.refusals.recordRequest(request, problem);
    if (reply.sent) return;
    await reply
      .code(problem.status)
      .headers({ ...problem.members.headers, 'content-type': PROBLEM_CONTENT_TYPE })
      .send(JSON.stringify(problemBody(problem, request.id)));
  }
}

/** Maps errors thrown by the frameworks. Their messages are shown to callers only for client errors. */
function toProblem(error: unknown, { raw }: FastifyRequest): ProblemError {
  if (error instanceof ProblemError) return error;
  const status =
    error instanceof HttpException ? error.getStatus() : Number((error as { statusCode?: number })?.statusCode);
  const problem = problemOfStatus(status);
  if (problem === 'not-found') return notFoundProblem({ reason: 'unknown-path' });
  return new ProblemError(problem, { detail: detailOf(problem, error) }, noteOf(problem, error, raw.socket.destroyed));
}

function noteOf(problem: ProblemName, error: unknown, isDisconnected: boolean): ProblemNote {
  if (problem === 'internal-error') return { logFields: { err: error } };
  return isDisconnected && problem === 'invalid-request' ? { reason: 'client-disconnected' } : {};
}

function detailOf(problem: ProblemName, error: unknown): string {
  if (PROBLEMS[problem].status >= 500) return 'The failure was logged with the id of this request.';
  return (error as Error).message;
}
