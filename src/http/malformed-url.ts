import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { KnownPaths } from './known-paths.js';
import { notFoundProblem, ProblemError, problemOfStatus } from './problem.js';
import { problemResponse } from './problem-mapper.js';
import type { Refusals } from './refusals.js';

/** Room for an id of 256 characters, percent-encoded. */
export const MAX_PATH_PARAMETER_LENGTH = 4_096;

/** The details never contain the URL: a callback URL contains a secret. */
const URL_FAULTS: Readonly<Record<number, string>> = {
  400: 'The path or the query of the URL is not validly percent-encoded.',
  414: `A segment of the path is longer than ${MAX_PATH_PARAMETER_LENGTH} characters.`,
};

/** Handler for URLs that Fastify's router cannot parse. `headers` are added to every response. */
export function refuseMalformedUrls(refusals: Refusals, paths: KnownPaths, headers: Readonly<Record<string, string>>) {
  const note = { reason: 'malformed-url' } as const;
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
    const { statusCode = 400 } = error;
    // For a callback URL the response must not reveal what is wrong.
    const problem = paths.isCallback(request.url)
      ? notFoundProblem(note)
      : new ProblemError(
          problemOfStatus(statusCode),
          { detail: URL_FAULTS[statusCode] ?? 'The URL is not valid.' },
          note,
        );
    refusals.recordRequest(request, problem);
    const response = problemResponse(problem, request.id);
    // No hook runs here, so the headers are added by hand: the response must look like that of any other unknown path.
    void reply
      .code(response.status)
      .headers({ ...headers, ...response.headers })
      .send(response.text);
  };
}
