import { ProblemError } from '../../http/problem.js';

/** For routes of history while it is off. */
export function notConfigured(): ProblemError {
  const detail = 'History is off: set DATABASE_URL to keep it in PostgreSQL, and HISTORY must not be off.';
  return new ProblemError('not-configured', { detail });
}
