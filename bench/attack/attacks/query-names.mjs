import { get, repeat } from '../requests.mjs';

const NAMES = Array.from({ length: 3_500 }, (_, n) => n.toString(36)).join('&');
const PATHS = ['/health/live', '/health/ready', '/v1/participants', '/callbacks/bandwidth', '/nowhere'];

export const queryNames = {
  name: 'query-names',
  purpose: 'thousands of unknown query names, without credentials',
  run: ({ traffic }) =>
    repeat(traffic, {
      connections: 4,
      perSecond: 100,
      request: (n) => get(`${PATHS[n % PATHS.length]}?${NAMES}`),
    }),
};
