import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ClientAddresses } from '../../src/http/client-address.js';

const PROXY = '10.0.0.1';
const clients = new ClientAddresses(['10.0.0.0/8', 'fd00::/8']);

function clientOf(forwardedFor: string | undefined, remoteAddress: string | undefined = PROXY, of = clients): string {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
  return of.of({ headers, socket: { remoteAddress } } as unknown as IncomingMessage);
}

const ports = fc.integer({ min: 0, max: 65_535 });
/** Outside of the trusted ranges. */
const publicIpv4 = fc.ipV4().filter((address) => !address.startsWith('10.'));
/** The eight groups of a global unicast address. */
const ipv6Groups = fc
  .tuple(fc.integer({ min: 0x2000, max: 0x3fff }), ...Array.from({ length: 7 }, () => fc.nat(0xffff)))
  .map((groups) => groups as number[]);
const spell = (groups: readonly number[]) => groups.map((group) => group.toString(16)).join(':');
/** Different notations of an IPv6 address: leading zeros, upper case, brackets, a port, a zone. */
const spellings = fc.constantFrom<(text: string) => string>(
  (text) => text,
  (text) => text.toUpperCase(),
  (text) =>
    text
      .split(':')
      .map((group) => group.padStart(4, '0'))
      .join(':'),
  (text) => text.replace(/(:0)+(?=:|$)/, ':').replace(/:$/, '::'),
  (text) => `[${text}]`,
  (text) => `[${text}]:4711`,
  (text) => `${text}%eth0`,
);

describe('the client address of a request', () => {
  it('is an IPv4 address without port, even if it is mapped to IPv6', () => {
    fc.assert(
      fc.property(publicIpv4, ports, (address, port) => {
        const groups = address.split('.').map(Number) as [number, number, number, number];
        const [a, b, c, d] = groups.map((byte) => byte.toString(16).padStart(2, '0'));
        for (const text of [address, `${address}:${port}`, `::ffff:${address}`, `[::FFFF:${a}${b}:${c}${d}]:${port}`]) {
          expect(clientOf(text)).toBe(address);
        }
        expect(clientOf(undefined, `::ffff:${address}`)).toBe(address);
      }),
    );
  });

  it('is an IPv6 /64 prefix, whatever the notation of the address', () => {
    fc.assert(
      fc.property(ipv6Groups, ipv6Groups, spellings, spellings, (one, another, spellOne, spellAnother) => {
        const sibling = [...one.slice(0, 4), ...another.slice(4)];
        const client = clientOf(spell(one));
        expect(client).toMatch(/^[\da-f:]+::\/64$/);
        expect(clientOf(spellOne(spell(one)))).toBe(client);
        expect(clientOf(spellAnother(spell(sibling)))).toBe(client);
        expect(clientOf(undefined, spell(sibling))).toBe(client);
        const isOther = one.slice(0, 4).join() !== another.slice(0, 4).join();
        expect(clientOf(spell(another)) !== client).toBe(isOther);
      }),
    );
    expect(clientOf('[2001:0DB8:0:0:1::7%eth0]:443')).toBe('2001:db8::/64');
  });

  it('is never text that is not an address', () => {
    const junk = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'unknown',
        '_hidden',
        '"[2001:db8::1]"',
        '0x7f.1',
        '203.0.113.007',
        '2130706433',
        '203.0.113.7:x',
      ),
      publicIpv4.map((address) => `${address}.`),
    );
    const client = /^(\d+\.\d+\.\d+\.\d+|[\da-f:]+\/64)$/;
    fc.assert(fc.property(junk, (text) => expect(clientOf(text)).toMatch(client)));
    expect(clientOf('not an address')).toBe(PROXY);
    expect(clientOf('203.0.113.7, not an address')).toBe(PROXY);
    expect(clientOf(', ,')).toBe(PROXY);
  });

  it('is accepted only from trusted proxies', () => {
    const noProxy = new ClientAddresses([]);
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), publicIpv4, (claimed, address) => {
        expect(clientOf(claimed, PROXY, noProxy)).toBe(PROXY);
        expect(clientOf(claimed, address)).toBe(address);
        expect(clientOf(`${claimed}, ${address}`)).toBe(address);
      }),
    );
  });

  it.each([
    ['203.0.113.7, 10.0.0.2', '203.0.113.7'],
    ['203.0.113.7:1, 10.0.0.2:2, [fd00::1]:3', '203.0.113.7'],
    ['198.51.100.1, 203.0.113.7, ::ffff:10.0.0.2', '203.0.113.7'],
    ['10.0.0.9, 10.0.0.2', '10.0.0.9'],
    ['203.0.113.7,', '203.0.113.7'],
    [undefined, PROXY],
  ])('for %j through trusted proxies is %s', (forwardedFor, client) => {
    expect(clientOf(forwardedFor)).toBe(client);
  });

  it('is looked up in only the last 16 hops', () => {
    expect(clientOf(`203.0.113.7${', 10.0.0.2'.repeat(15)}`)).toBe('203.0.113.7');
    expect(clientOf(`203.0.113.7${', 10.0.0.2'.repeat(4_000)}`)).toBe('10.0.0.2');
    expect(clientOf(`203.0.113.7${','.repeat(15_000)}`)).toBe(PROXY);
  });

  it('supports trusted ranges in every notation that the setting allows', () => {
    for (const range of ['10.0.0.1', '10.0.0.0/8', '::ffff:10.0.0.0/104', '::ffff:10.0.0.1', '0.0.0.0/0']) {
      expect([range, clientOf('203.0.113.7', PROXY, new ClientAddresses([range]))]).toEqual([range, '203.0.113.7']);
    }
    for (const range of ['fe80::1%eth0', 'fe80::/10', 'FE80:0::1']) {
      expect(clientOf('203.0.113.7', 'fe80::1%eth0', new ClientAddresses([range]))).toBe('203.0.113.7');
    }
  });

  it('is unknown after the connection is closed', () => {
    expect(clients.of({ headers: {}, socket: {} } as IncomingMessage)).toBe('unknown');
  });
});
