import { get, pipelineUnread } from '../requests.mjs';

export const unreadAssets = {
  name: 'unread-assets',
  purpose: 'pipelined requests for the largest asset of /docs, whose responses are not read',
  run: ({ traffic }) =>
    pipelineUnread(traffic, { connections: 4, requests: 1_300, request: () => get('/docs/swagger-ui-bundle.js') }),
};
