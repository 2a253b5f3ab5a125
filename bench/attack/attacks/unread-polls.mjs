import { bearer, get, hold } from '../requests.mjs';

export const unreadPolls = {
  name: 'unread-polls',
  purpose: '300 connections with one unread page of the change feed each, from an old position',
  seconds: 5,
  run: ({ traffic, target }) =>
    hold(traffic, {
      connections: 300,
      openEveryMs: 10,
      isReading: false,
      use: (socket) =>
        traffic.send(socket, get(`/v1/changes?limit=1000&after=${target.position}`, bearer(target.readKey))),
    }),
};
