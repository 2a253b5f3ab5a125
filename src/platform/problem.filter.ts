import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  notFoundProblem,
  PROBLEM_CONTENT_TYPE,
  PROBLEMS,
  ProblemError,
  type ProblemName,
  problemBody,
  problemOfStatus,
} from './problem.js';

/** Writes every error of the application as a problem. `translate` knows those that are the application's own. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly translate: (error: unknown) => ProblemError | undefined) {}

  async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const problem = this.translate(error) ?? toProblem(error);
    if (problem.problem === 'internal-error') request.log.error({ err: error }, 'a request failed');
    else request.log.debug({ problem: problem.problem, detail: problem.message }, 'a request was refused');
    if (reply.sent) return;
    await reply
      .code(PROBLEMS[problem.problem].status)
      .headers({ ...problem.members.headers, 'content-type': PROBLEM_CONTENT_TYPE })
      .send(JSON.stringify(problemBody(problem, request.id)));
  }
}

/** What frameworks throw. Their words are for callers only when they blame the caller. */
function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const status =
    error instanceof HttpException ? error.getStatus() : Number((error as { statusCode?: number })?.statusCode);
  const problem = problemOfStatus(status);
  if (problem === 'not-found') return notFoundProblem();
  return new ProblemError(problem, { detail: detailOf(problem, error) });
}

function detailOf(problem: ProblemName, error: unknown): string {
  if (PROBLEMS[problem].status >= 500) return 'The failure was logged with the id of this request.';
  return (error as Error).message;
}
