import { head, hold } from '../requests.mjs';

export const missingBodies = {
  name: 'missing-bodies',
  purpose: 'callbacks through a leaked minted URL whose bodies never arrive, more than MAX_IN_FLIGHT',
  run: ({ traffic, target }) =>
    hold(traffic, {
      connections: 300,
      use: (socket) => traffic.send(socket, head(target.mintedPath, { 'content-length': 500 })),
    }),
};
