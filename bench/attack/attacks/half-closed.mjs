import { get, head } from '../requests.mjs';

const REFUSED = [
  'not HTTP\r\n\r\n',
  'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n',
  get('/health/live', { 'x-large': 'x'.repeat(20_000) }),
  get('/health/live', { connection: 'close' }),
  head('/callbacks/bandwidth/not-the-secret', { 'content-length': 1_000_000 }),
];

/** More than MAX_CONNECTIONS in total, but at this rate far fewer within 2 s. */
const CONNECTIONS = 480;
const PER_SECOND = 100;

export const halfClosed = {
  name: 'half-closed',
  purpose: 'connections that the service closes but the client does not',
  seconds: 6,
  run: async ({ traffic, random }) => {
    const startMs = performance.now();
    for (let n = 0; n < CONNECTIONS && !traffic.isOver; n += 1) {
      await traffic.wait(startMs + (n * 1_000) / PER_SECOND - performance.now());
      const socket = traffic.open({ isHalfOpen: true });
      if (socket) void traffic.send(socket, REFUSED[Math.floor(random() * REFUSED.length)]);
    }
    await traffic.untilOver();
  },
};
