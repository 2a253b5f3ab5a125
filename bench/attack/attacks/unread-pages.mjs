import { bearer, get, pipelineUnread } from '../requests.mjs';

export const unreadPages = {
  name: 'unread-pages',
  purpose: 'pipelined pages of the change feed from an old position, which are not read',
  run: ({ traffic, target }) => {
    const request = get(`/v1/changes?limit=1000&after=${target.position}`, bearer(target.readKey));
    return pipelineUnread(traffic, { connections: 4, requests: 300, request: () => request });
  },
};
