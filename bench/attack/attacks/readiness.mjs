import { get, repeat } from '../requests.mjs';

export const readiness = {
  name: 'readiness',
  purpose: 'readiness probes by a stranger, 1,000 a second',
  run: ({ traffic }) => repeat(traffic, { connections: 32, perSecond: 1_000, request: () => get('/health/ready') }),
};
