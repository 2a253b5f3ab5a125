import { bearer, get, repeat } from '../requests.mjs';

export const failedKeys = {
  name: 'failed-keys',
  purpose: 'wrong keys, each with a different X-Forwarded-For',
  run: ({ traffic, random }) =>
    repeat(traffic, {
      connections: 8,
      perSecond: 500,
      request: () => {
        const groups = Array.from({ length: 8 }, () => Math.floor(random() * 65_536).toString(16));
        return get('/v1/participants', { ...bearer('wrong'), 'x-forwarded-for': groups.join(':') });
      },
    }),
};
