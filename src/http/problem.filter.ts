import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type ProblemMapper, problemResponse } from './problem-mapper.js';
import type { Refusals } from './refusals.js';

/** Answers every error with a problem document. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly refusals: Refusals,
    private readonly problems: ProblemMapper,
  ) {}

  async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const problem = this.problems.of(error, request.raw);
    const isFailure = problem.problem === 'internal-error';
    // Once a stream has started, an error closes it: that is not a refusal.
    if (isFailure || !reply.sent) this.refusals.recordRequest(request, problem);
    if (reply.sent) return;
    const { status, headers, text } = problemResponse(problem, request.id);
    await reply.code(status).headers(headers).send(text);
  }
}
