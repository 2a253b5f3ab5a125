import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { nonLocalReason } from '../../src/auth/local-requests.js';

const ports = fc.oneof(
  fc.constant(''),
  fc.integer({ min: 0, max: 65_535 }).map((port) => `:${port}`),
);

describe('a request without credentials', () => {
  it.each([
    'localhost',
    'LocalHost',
    'localhost.',
    'app.localhost',
    'a.b-c.localhost',
    '127.0.0.1',
    '127.255.255.254',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::FFFF:7f00:1]',
  ])('is local with the Host header %s and any port', (host) => {
    fc.assert(fc.property(ports, (port) => expect(nonLocalReason({ host: host + port })).toBeUndefined()));
  });

  it.each([
    '',
    'rollcall.example.com',
    'localhost.example.com',
    'notlocalhost',
    '.localhost',
    'a..localhost',
    '127.0.0.1.example.com',
    '127.0.0.1@example.com',
    'example.com#localhost',
    'example.com/localhost',
    'localhost, example.com',
    'localhost:3000:3000',
    '127.1',
    '127.0.0.256',
    '0177.0.0.1',
    '2130706433',
    '0.0.0.0',
    '[::]',
    '[::1',
    '::1',
    '[::2]',
    '[::ffff:10.0.0.1]',
    '[localhost]',
    '10.0.0.1',
    '169.254.169.254',
  ])('is not local with the Host header %p', (host) => {
    for (const port of ['', ':3000']) expect(nonLocalReason({ host: host + port })).toBe('foreign-host');
  });

  it('is not local with any other Host header', () => {
    const isLocal = (host: string) => /localhost|^127\.|^::1$|^\[/i.test(host);
    const hosts = fc.oneof(fc.domain(), fc.ipV4(), fc.string(), fc.webAuthority()).filter((host) => !isLocal(host));
    fc.assert(
      fc.property(hosts, ports, (host, port) => expect(nonLocalReason({ host: host + port })).toBe('foreign-host')),
    );
    expect(nonLocalReason({})).toBe('foreign-host');
  });

  it.each(['forwarded', 'via', 'x-real-ip', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'])(
    'is not local with the header %s, whatever its value',
    (name) => {
      for (const value of ['', '127.0.0.1', 'for=127.0.0.1']) {
        expect(nonLocalReason({ host: 'localhost', [name]: value })).toBe('forwarded-request');
      }
    },
  );
});
