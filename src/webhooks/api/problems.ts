import { ProblemError } from '../../http/problem.js';
import { MAX_ENDPOINTS } from '../endpoints.js';
import { MAX_RULES } from '../occupancy/rules.js';
import type { SettingFault } from '../stored-settings.js';

export function endpointProblem(fault: SettingFault): ProblemError {
  switch (fault) {
    case 'unknown':
      return new ProblemError('unknown-endpoint', { detail: 'There is no such endpoint.' });
    case 'changed':
      return new ProblemError('endpoint-changed', { detail: 'Get the endpoint again, and repeat the change.' });
    case 'too-many':
      return new ProblemError('too-many-endpoints', { detail: `There are ${MAX_ENDPOINTS} endpoints already.` });
    case 'other-request':
      return new ProblemError('idempotency-key-reused', {
        detail: 'The same Idempotency-Key has made an endpoint with other settings. Use a new key.',
      });
  }
}

export function declaredProblem(): ProblemError {
  const detail = 'It comes from the setting WEBHOOK_ENDPOINTS: change it there.';
  return new ProblemError('declared-endpoint', { detail });
}

export function ruleProblem(fault: SettingFault): ProblemError {
  switch (fault) {
    case 'unknown':
      return new ProblemError('unknown-rule', { detail: 'There is no such rule.' });
    case 'changed':
      return new ProblemError('rule-changed', { detail: 'Get the rule again, and repeat the change.' });
    case 'too-many':
      return new ProblemError('too-many-rules', { detail: `There are ${MAX_RULES} rules already.` });
    case 'other-request':
      return new ProblemError('idempotency-key-reused', {
        detail: 'The same Idempotency-Key has made a rule with other settings. Use a new key.',
      });
  }
}
