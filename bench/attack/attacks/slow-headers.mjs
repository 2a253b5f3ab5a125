import { hold } from '../requests.mjs';

const BYTE_EVERY_MS = 500;

export const slowHeaders = {
  name: 'slow-headers',
  purpose: '200 connections that send a header byte by byte',
  run: ({ traffic }) =>
    hold(traffic, {
      connections: 200,
      use: async (socket) => {
        await traffic.send(socket, 'GET /health/live HTTP/1.1\r\nx-slow: ');
        while (await traffic.send(socket, 'x')) await traffic.wait(BYTE_EVERY_MS);
      },
    }),
};
