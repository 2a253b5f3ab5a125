import { get, repeat } from '../requests.mjs';

export const readiness = {
  name: 'readiness',
  purpose: 'readiness probes without credentials, 1,000 per second',
  run: ({ traffic }) => repeat(traffic, { connections: 32, perSecond: 1_000, request: () => get('/health/ready') }),
};
