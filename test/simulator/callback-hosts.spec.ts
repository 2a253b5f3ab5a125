// The hosts to which webhooks may be sent, in any notation and through any API.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Simulator } from '../../simulator/simulator.js';
import { CallbackHosts } from '../../simulator/webhooks/callback-hosts.js';
import { eventually } from '../eventually.js';
import { Receiver } from './receiver.js';
import { PLAIN } from './settings.js';
import { startSimulator } from './start-simulator.js';

const octets = (first: fc.Arbitrary<number>) => fc.tuple(first, fc.nat(255), fc.nat(255), fc.nat(255));
const loopback = octets(fc.constant(127));
const elsewhere = octets(fc.nat(255).filter((first) => first !== 127));
const hex = (value: number) => value.toString(16);

/** Different notations of an IPv4 address in a URL. */
function spellingsOf([a, b, c, d]: readonly [number, number, number, number]): string[] {
  const value = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
  return [
    `${a}.${b}.${c}.${d}`,
    `${a}.${b}.${c}.${d}.`,
    `${a}.${b * 2 ** 16 + c * 2 ** 8 + d}`,
    `0x${hex(a)}.0${b.toString(8)}.${c}.${d}`,
    `${value}`,
    `0x${hex(value)}`,
    `[::ffff:${a}.${b}.${c}.${d}]`,
    `[0:0:0:0:0:FFFF:${hex(a * 256 + b)}:${hex(c * 256 + d)}]`,
  ];
}

const refusals = (hosts: CallbackHosts, names: readonly string[]) =>
  names.map((name) => hosts.refusalOf(`http://user:password@${name}:3000/callbacks/bandwidth`));

describe('the allowed hosts of webhooks', () => {
  const hosts = new CallbackHosts(['rollcall', '192.168.1.5']);

  it('include all loopback addresses in any notation', () => {
    fc.assert(
      fc.property(loopback, (address) => {
        const names = spellingsOf(address);
        expect(refusals(hosts, names)).toEqual(names.map(() => undefined));
      }),
    );
    const names = ['localhost', 'LocalHost', 'localhost.', '[::1]', '[0:0:0:0:0:0:0:1]'];
    expect(refusals(hosts, names)).toEqual(names.map(() => undefined));
  });

  it('do not include any other address in any notation', () => {
    fc.assert(
      fc.property(elsewhere, (address) => {
        const names = spellingsOf(address);
        const message = expect.stringContaining('--callback-hosts');
        expect(refusals(hosts, names)).toEqual(names.map(() => message));
      }),
    );
  });

  it.each([
    '[::]',
    '[::2]',
    '[fe80::1]',
    '[::7f00:1]',
    '[64:ff9b::7f00:1]',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.nip.io',
    'localhost.localdomain',
    'app.localhost',
    'ip6-localhost',
    'rollcall.evil',
    'x-rollcall',
  ])('do not include %s', (name) => {
    expect(refusals(hosts, [name])).toEqual([expect.stringContaining('--callback-hosts')]);
  });

  it('include exactly the configured hosts, on any port', () => {
    const names = ['rollcall', 'ROLLCALL.', ...spellingsOf([192, 168, 1, 5]).slice(0, 6)];
    expect(refusals(hosts, names)).toEqual(names.map(() => undefined));
    const ofUrls = CallbackHosts.of(['https://user:secret@A.example:8443/x', 'http://[fe80::1]/']);
    expect(refusals(ofUrls, ['a.example', '[fe80:0::1]', 'localhost'])).toEqual([undefined, undefined, undefined]);
    expect(refusals(ofUrls, ['b.example'])).not.toEqual([undefined]);
  });

  it.each([
    'http://127.0.0.1@evil.example/',
    'http://127.0.0.1:80@evil.example/',
    'http://evil.example/?127.0.0.1',
    'http://evil.example#@127.0.0.1/',
    'http://evil.example\\@127.0.0.1/',
    'http:\\\\evil.example/',
    'nowhere',
    '//127.0.0.1/',
  ])('are not affected by other parts of %s', (url) => {
    expect(hosts.refusalOf(url)).toContain('callbackUrl');
  });
});

describe('a callbackUrl', () => {
  let receiver: Receiver;
  let simulator: Simulator | undefined;
  beforeEach(async () => {
    receiver = await Receiver.start();
  });
  afterEach(async () => {
    await simulator?.close();
    simulator = undefined;
    receiver.stop();
  });

  /** Creates a participant with that callbackUrl through each API. Resolves with the responses. */
  async function create(callbackUrl: string, settings: Partial<typeof PLAIN> = {}) {
    const started = await startSimulator({ ...PLAIN, ...settings });
    const { url } = started;
    simulator = started.simulator;
    const headers = { authorization: `Basic ${btoa('any:any')}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ callbackUrl });
    const paths = ['/v1/accounts/1/participants', '/accounts/1/participants', '/control/participants'];
    const responses = paths.map((path) => fetch(url + path, { method: 'POST', headers, body }));
    return Promise.all(
      responses.map(async (response) => ({ status: (await response).status, text: await (await response).text() })),
    );
  }

  it('with another host is rejected by both APIs, with the option that allows it', async () => {
    const answers = await create('http://169.254.169.254/latest/meta-data');
    const refused = { status: 400, text: expect.stringContaining('--callback-hosts 169.254.169.254') };
    expect(answers).toEqual([refused, refused, refused]);
    expect([...(simulator?.provider.participants.all ?? [])]).toEqual([]);
  });

  it.each(['callbackHosts', 'callbackUrl'] as const)(
    'with a host allowed by %s receives its webhooks',
    async (setting) => {
      const host = receiver.host.replace('127.0.0.1', '0.0.0.0');
      const allowed =
        setting === 'callbackHosts' ? { callbackHosts: ['0.0.0.0'] } : { callbackUrl: 'http://0.0.0.0:1/' };
      const answers = await create(`http://${host}/hook`, allowed);
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 201]);
      const { participantId } = JSON.parse(answers[2]?.text ?? '');
      const participant = simulator?.provider.participants.find(participantId);
      if (participant) simulator?.provider.connect(participant, 'd');
      await eventually(() => expect(receiver.received).toHaveLength(1));
    },
  );

  it('that cannot be parsed as a URL is rejected', async () => {
    const answers = await create('http://256.1.1.1/');
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
  });
});
