import { largeCallback } from '../large-callback.mjs';
import { bearer, pipelineUnread, post } from '../requests.mjs';

export const unreadLookups = {
  name: 'unread-lookups',
  purpose: 'pipelined lookups of the same large participant, 1,000 times each, whose responses are not read',
  run: ({ traffic, target }) => {
    const participantIds = Array(1_000).fill(largeCallback('large-0-').participantId);
    const request = post('/v1/participants/lookup', { participantIds }, bearer(target.readKey));
    return pipelineUnread(traffic, { connections: 4, requests: 150, request: () => request });
  },
};
