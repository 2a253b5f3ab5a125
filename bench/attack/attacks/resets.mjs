import { get, head } from '../requests.mjs';

const BEGINNINGS = [
  'not HTTP\r\n\r\n',
  'CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n',
  get('/health/live', { upgrade: 'websocket', connection: 'upgrade' }),
  get('/docs/swagger-ui-bundle.js'),
  head('/callbacks/bandwidth/not-the-secret', { 'content-length': 1_000, expect: '100-continue' }),
  head('/callbacks/bandwidth/not-the-secret', { 'transfer-encoding': 'chunked' }),
  'POST /callbacks/bandwidth HTTP/1.1\r\nx-half: ',
];
const PER_SECOND = 100;
const MAX_OPEN_MS = 100;

export const resets = {
  name: 'resets',
  purpose: 'connections that are reset at any point of a request or its response',
  run: async ({ traffic, random }) => {
    while (!traffic.isOver) {
      const socket = traffic.open({ isHalfOpen: true });
      if (!socket) break;
      void traffic.send(socket, BEGINNINGS[Math.floor(random() * BEGINNINGS.length)]);
      void traffic.wait(random() * MAX_OPEN_MS).then(() => socket.resetAndDestroy());
      await traffic.wait(1_000 / PER_SECOND);
    }
  },
};
