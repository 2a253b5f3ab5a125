import { describe, expect, it } from '@jest/globals';
import { AddressGuard, type GuardSettings } from '../../src/webhooks/sending/address-guard.js';

const own = { publicUrl: 'https://rollcall.example.com', port: () => 3_000, addresses: () => ['203.0.114.9'] };

function guard(settings: Partial<GuardSettings> = {}): AddressGuard {
  return new AddressGuard({ isHttpAllowed: false, allowedNetworks: [], own, ...settings });
}

/** By what is special about them. */
const REFUSED: Readonly<Record<string, readonly string[]>> = {
  'this host': ['0.0.0.0', '0.1.2.3', '[::]', '127.0.0.1', '127.255.255.254', '[::1]'],
  'another spelling of loopback': [
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '127.1',
    '0177.0.0.1',
    '017700000001',
    '①②⑦.0.0.1',
    '127。0。0。1',
    '%31%32%37.0.0.1',
    '127.0.0.1.',
  ],
  private: ['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.1.1', '[fc00::1]', '[fdff::1]'],
  'link-local': ['169.254.0.1', '[fe80::1]', '[febf::1]'],
  'metadata of a cloud': ['169.254.169.254', '0xa9fea9fe', '[fd00:ec2::254]', '100.100.100.200', '168.63.129.16'],
  'shared by a carrier': ['100.64.0.1', '100.127.255.255'],
  'for protocols': ['192.0.0.1', '192.88.99.1'],
  'for benchmarks': ['198.18.0.1', '198.19.255.255', '[2001:2::1]'],
  'for documentation': ['192.0.2.1', '198.51.100.1', '203.0.113.1', '[2001:db8::1]', '[3fff::1]'],
  multicast: ['224.0.0.1', '239.255.255.255', '[ff02::1]'],
  'reserved or broadcast': ['240.0.0.1', '255.255.255.255', '[fec0::1]', '[5f00::1]', '[4000::1]'],
  'stands for an IPv4 address': [
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::ffff:8.8.8.8]',
    '[::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b::808:808]',
    '[64:ff9b:1::1]',
    '[2002:7f00:1::]',
    '[2001::1]',
    '[::ffff:0:127.0.0.1]',
  ],
  discarded: ['[100::1]'],
};
const ALL = Object.entries(REFUSED).flatMap(([kind, hosts]) => hosts.map((host) => [host, kind] as const));

describe('the guard of outgoing requests', () => {
  it('has a table worth its name', () => {
    expect(ALL.length).toBeGreaterThanOrEqual(43);
  });

  it.each(ALL)('refuses %s: %s', (host) => {
    expect(guard().urlFault(`https://${host}/hook`)).toBe(
      'must not have a private or reserved address (WEBHOOK_ALLOWED_NETWORKS)',
    );
  });

  it.each([
    'https://backend.example.com/presence?tenant=42',
    'https://8.8.8.8/',
    'https://[2606:4700:4700::1111]/',
    'https://backend.example.com:8443/',
    'https://backend.example.com:80/',
  ])('takes %s', (url) => {
    expect(guard().urlFault(url)).toBeUndefined();
  });

  it.each([
    ['backend.example.com', /must be a URL/],
    ['ftp://backend.example.com', /https/],
    ['file:///etc/passwd', /https/],
    ['http://backend.example.com', /WEBHOOK_ALLOW_HTTP/],
    ['https://user:secret@backend.example.com', /user or password/],
    ['https://backend.example.com/#part', /fragment/],
    ['https://backend.example.com:22', /port/],
    ['https://backend.example.com:1023', /port/],
    ['https://backend.example.com:0', /port/],
    ['https://rollcall.example.com/callbacks', /this service/],
    ['https://203.0.114.9:3000', /this service/],
  ])('refuses %s', (url, message) => {
    expect(guard().urlFault(url)).toMatch(message);
  });

  it('takes http, and networks, that are allowed', () => {
    const open = guard({ isHttpAllowed: true, allowedNetworks: ['10.1.0.0/16', '127.0.0.1', 'fd00::/8'] });
    for (const host of ['10.1.2.3', '127.0.0.1', '[fd00::1]'])
      expect(open.urlFault(`http://${host}:8080`)).toBeUndefined();
    for (const host of ['10.2.0.1', '127.0.0.2', '[fc00::1]', '[::ffff:10.1.2.3]']) {
      expect(open.urlFault(`http://${host}:8080`)).toMatch(/private or reserved/);
    }
  });

  it('never takes the address of this service, whatever is allowed', () => {
    const open = guard({ isHttpAllowed: true, allowedNetworks: ['0.0.0.0/1', '128.0.0.0/1', '::/0'] });
    for (const host of ['127.0.0.1', '127.9.9.9', '0.0.0.0', '[::1]', '203.0.114.9']) {
      expect(open.urlFault(`http://${host}:3000`)).toMatch(/this service/);
      expect(open.urlFault(`http://${host}:3001`)).toBeUndefined();
    }
  });
});
