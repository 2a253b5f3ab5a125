import { bearer, get, hold } from '../requests.mjs';

export const unreadStreams = {
  name: 'unread-streams',
  purpose: '300 unread change streams from an old position',
  seconds: 5,
  run: ({ traffic, target }) =>
    hold(traffic, {
      connections: 300,
      openEveryMs: 10,
      isReading: false,
      use: (socket) => traffic.send(socket, get(`/v1/changes/stream?after=${target.position}`, bearer(target.readKey))),
    }),
};
