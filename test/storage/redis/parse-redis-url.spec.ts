// The forms of REDIS_URL, what of them appears in log lines, and what is wrong with others.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseRedisUrl } from '../../../src/storage/redis/client/parse-redis-url.js';
import { formatRedisAddress } from '../../../src/storage/redis/client/redis-address.js';
import { codePoint } from '../../unicode-text.js';

const SECRET = 'hunter2';

describe('REDIS_URL', () => {
  it.each<[string, object, string]>([
    [
      'redis://user:hunter2@host:6380/2',
      { kind: 'standalone', servers: [{ host: 'host', port: 6380 }], database: 2, username: 'user', password: SECRET },
      'redis://host:6380/2',
    ],
    ['REDISS://[::1]', { servers: [{ host: '::1', port: 6379 }], isTls: true }, 'rediss://[::1]:6379'],
    [
      'redis+sentinel://user:hunter2@s1,s2:26380/my-master?db=3&sentinelUsername=su&sentinelPassword=hunter2',
      {
        kind: 'sentinel',
        servers: [
          { host: 's1', port: 26379 },
          { host: 's2', port: 26380 },
        ],
        master: 'my-master',
        database: 3,
        username: 'user',
        password: SECRET,
        sentinel: { username: 'su', password: SECRET },
      },
      'redis+sentinel://s1:26379,s2:26380/my-master?db=3',
    ],
    [
      'rediss+sentinel://:hunter2@[fe80::1]:1/m',
      { kind: 'sentinel', isTls: true, password: SECRET, database: 0 },
      'rediss+sentinel://[fe80::1]:1/m',
    ],
    [
      'redis+cluster://:hunter2@h1,h2:7000/0',
      {
        kind: 'cluster',
        servers: [
          { host: 'h1', port: 6379 },
          { host: 'h2', port: 7000 },
        ],
        password: SECRET,
      },
      'redis+cluster://h1:6379,h2:7000',
    ],
    ['rediss+cluster://h1', { kind: 'cluster', isTls: true }, 'rediss+cluster://h1:6379'],
    [
      'unix://user:hunter2@/run/redis%20one.sock?db=1',
      { kind: 'standalone', servers: [{ path: '/run/redis one.sock' }], database: 1, username: 'user' },
      'unix:///run/redis one.sock?db=1',
    ],
    ['unix:///run/redis.sock', { servers: [{ path: '/run/redis.sock' }], database: 0 }, 'unix:///run/redis.sock'],
  ])('%s', (url, expected, formatted) => {
    expect(parseRedisUrl(url)).toMatchObject(expected);
    expect(formatRedisAddress(parseRedisUrl(url))).toBe(formatted);
  });

  it.each([
    ['http://host', 'must be a URL like redis://host:6379'],
    ['redis+sentinels://host/m', 'must be a URL like'],
    ['redis+sentinel://host', 'must name the master after the Sentinels'],
    ['redis+sentinel://host/', 'must name the master after the Sentinels'],
    ['redis+sentinel://host/a/b', 'must name the master after the Sentinels'],
    ['redis+sentinel://host,/m', 'must have a host'],
    ['redis+sentinel://host/m?db=x', 'must end after the port, or with the number of a database'],
    ['redis+sentinel://host/m?master=x', 'must have no parameters but db, sentinelUsername, sentinelPassword'],
    ['redis+cluster://h1,h2/1', 'must not name a database: a Redis Cluster has only database 0'],
    ['redis+cluster://h1,h2?db=1', 'must not have a query'],
    ['redis+cluster://', 'must have a host'],
    ['redis://h1,h2', 'must name one server, or begin with redis+sentinel:// or redis+cluster://'],
    ['redis://host:0', 'must not have port 0'],
    ['redis+cluster://h1:70000', 'must be a URL like'],
    ['unix://run/redis.sock', 'must have the path of the socket'],
    ['unix://', 'must have the path of the socket'],
    ['unix:///run/redis.sock?name=x', 'must have no parameters but db'],
  ])('%s is refused', (url, message) => {
    expect(() => parseRedisUrl(url)).toThrow(message);
  });

  it('of any other form is refused without a part of it', () => {
    const scheme = fc.constantFrom('redis', 'rediss', 'redis+sentinel', 'redis+cluster', 'unix', 'x');
    fc.assert(
      fc.property(scheme, fc.string({ unit: codePoint }), (name, rest) => {
        const url = `${name}://:${SECRET}@${rest}`;
        try {
          expect(formatRedisAddress(parseRedisUrl(url))).not.toContain(SECRET);
        } catch (error) {
          expect((error as Error).message).toMatch(/^must /);
          expect((error as Error).message).not.toContain(SECRET);
        }
      }),
    );
  });
});
