import { bearer, post, repeat } from '../requests.mjs';

const MEMBERS = Object.fromEntries(Array.from({ length: 80_000 }, (_, n) => [`m${n}`, 0]));

export const lookupMembers = {
  name: 'lookup-members',
  purpose: 'lookups with 80,000 unknown members',
  run: ({ traffic, target }) => {
    const request = post('/v1/participants/lookup', { participantIds: ['p'], ...MEMBERS }, bearer(target.readKey));
    return repeat(traffic, { connections: 2, perSecond: 2, request: () => request });
  },
};
