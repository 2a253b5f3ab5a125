import { bearer, get, pipelineUnread } from '../requests.mjs';

export const unreadLists = {
  name: 'unread-lists',
  purpose: 'pipelined lists of 1,000 participants with a stolen key, whose responses are not read',
  run: ({ traffic, target }) => {
    const request = get('/v1/participants?limit=1000', bearer(target.readKey));
    return pipelineUnread(traffic, { connections: 4, requests: 300, request: () => request });
  },
};
