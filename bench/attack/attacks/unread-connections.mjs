import { get, hold } from '../requests.mjs';

const READ_EVERY_MS = 500;
const READ_BYTES = 16_384;

export const unreadConnections = {
  name: 'unread-connections',
  purpose: '200 connections with one large response each; half of them do not read it, the others read slowly',
  run: ({ traffic, random }) =>
    hold(traffic, {
      connections: 200,
      isReading: false,
      use: async (socket) => {
        const isSlow = random() < 0.5;
        await traffic.send(socket, get('/docs/swagger-ui-bundle.js'));
        while (isSlow && !traffic.isOver && !socket.destroyed) {
          await traffic.wait(READ_EVERY_MS);
          socket.read(READ_BYTES);
        }
      },
    }),
};
