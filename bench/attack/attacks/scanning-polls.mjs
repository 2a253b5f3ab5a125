import { bearer, get, repeat } from '../requests.mjs';

export const scanningPolls = {
  name: 'scanning-polls',
  purpose: 'polls whose filter matches nothing, so that each scans the feed from an old position',
  run: ({ traffic, target }) =>
    repeat(traffic, {
      connections: 8,
      perSecond: 100,
      request: (n) => get(`/v1/changes?limit=1000&tag=nobody-${n}&after=${target.position}`, bearer(target.readKey)),
    }),
};
