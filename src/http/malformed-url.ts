import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { KnownPaths } from './known-paths.js';
import { notFoundProblem, PROBLEM_CONTENT_TYPE, ProblemError, problemBody, problemOfStatus } from './problem.js';
import type { Refusals } from './refusals.js';

/** An id of 256 characters, percent-encoded. */
export const MAX_PATH_PARAMETER_LENGTH = 4_096;

/** The details never have the URL: one that was meant for callbacks has a secret. */
const URL_FAULTS: Readonly<Record<number, string>> = {
  400: 'The path or the query of the URL is not validly percent-encoded.',
  414: `A segment of the path is longer than ${MAX_PATH_PARAMETER_LENGTH} characters.`,
};

/** Fastify's handler of URLs that its router cannot read. `headers`: of every response. */
export function refuseMalformedUrls(refusals: Refusals, paths: KnownPaths, headers: Readonly<Record<string, string>>) {
  const note = { reason: 'malformed-url' } as const;
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
    const { statusCode = 400 } = error;
    // What is wrong with the URL of a callback is not for strangers to know.
    const problem = paths.isCallback(request.url)
      ? notFoundProblem(note)
      : new ProblemError(
          problemOfStatus(statusCode),
          { detail: URL_FAULTS[statusCode] ?? 'The URL is not valid.' },
          note,
        );
    refusals.ofRequest(request, problem);
    const body = JSON.stringify(problemBody(problem, request.id));
    // No hook has been called, and the response is to be that of any other path that does not exist.
    void reply
      .code(problem.status)
      .headers({ ...headers, 'content-type': PROBLEM_CONTENT_TYPE })
      .send(body);
  };
}
