// What BRTC's API says of who is connected, asked of the simulator.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ParticipantId } from '../../../src/domain/subject.js';
import { BrtcObserver } from '../../../src/sources/brtc/brtc-observer.js';
import type { ListedParticipant } from '../../../src/sources/observer.js';
import { FaultyProxy } from '../../reconcile/faulty-proxy.js';
import { ACCOUNT, BrtcCustomer } from '../../simulator/brtc-customer.js';

const { signal } = new AbortController();

describe('the observer of BRTC', () => {
  let customer: BrtcCustomer;
  let proxy: FaultyProxy;
  beforeEach(async () => {
    customer = await BrtcCustomer.start();
    proxy = await FaultyProxy.start(customer.url);
  });
  afterEach(async () => {
    await proxy.stop();
    await customer.simulator.close();
  });

  const observer = (parts: Partial<ConstructorParameters<typeof BrtcObserver>[0]> = {}) =>
    new BrtcObserver({
      apiUrl: proxy.url,
      accountId: ACCOUNT,
      apiCredentials: 'user:password',
      apiAuth: 'oauth',
      ...parts,
    });
  const listed = async (of = observer()) => {
    const all: ListedParticipant[] = [];
    for await (const page of of.list(signal)) all.push(...page);
    return all;
  };
  const find = (id: string, of = observer()) => of.find({ participantId: id as ParticipantId }, signal);
  const create = async (parts: object = {}) => (await customer.create(parts)).endpointId;

  it('lists the endpoints that are connected, without devices', async () => {
    const [idle, connected] = [await create(), await create({ tag: 'agents' })];
    await customer.connect(connected);
    expect(await listed()).toEqual([{ scope: '', participantId: connected, tag: 'agents' }]);
    expect(await find(idle)).toEqual({ outcome: 'absent' });
  });

  it('follows the links to all pages, at its own address', async () => {
    for (let n = 0; n < 3; n += 1) await customer.connect(await create());
    const pages: string[] = [];
    proxy.fault = ({ path }, response) => {
      if (!path.includes('?')) return false;
      pages.push(path);
      const next = { rel: 'next', href: 'http://elsewhere.example/v2?afterCursor=two', method: 'GET' };
      const data = [{ endpointId: `e-${pages.length}` }];
      const body = JSON.stringify({ links: pages.length === 1 ? [next] : [], data, errors: [] });
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      return true;
    };
    expect((await listed()).map(({ participantId }) => participantId)).toEqual(['e-1', 'e-2']);
    expect(pages[1]).toContain('afterCursor=two');
  });

  it('finds the device of one endpoint, and when it connected', async () => {
    const id = await create({ tag: 'agents' });
    const deviceId = await customer.connect(id);
    expect(await find(id)).toEqual({
      outcome: 'present',
      devices: [{ deviceId, connectedAtMs: expect.any(Number) }],
      tag: 'agents',
    });
    await customer.act(id, deviceId, 'drop');
    expect(await find(id)).toEqual({ outcome: 'absent' });
    expect(await find('e-unknown')).toEqual({ outcome: 'absent' });
  });

  it('asks for one access token, and for another one when it has become invalid', async () => {
    const one = observer();
    await Promise.all([listed(one), listed(one)]);
    await listed(one);
    const tokens = () => proxy.paths.filter((path) => path.endsWith('/token')).length;
    expect(tokens()).toBeLessThanOrEqual(2);
    const before = tokens();
    let isRefused = true;
    proxy.fault = ({ path }, response) => {
      if (path.endsWith('/token') || !isRefused) return false;
      isRefused = false;
      response.writeHead(401, { 'content-type': 'application/json' }).end('{}');
      return true;
    };
    expect(await listed(one)).toEqual([]);
    expect(tokens()).toBe(before + 1);
  });

  it('can use Basic credentials', async () => {
    expect(await listed(observer({ apiAuth: 'basic' }))).toEqual([]);
    expect(proxy.paths.some((path) => path.endsWith('/token'))).toBe(false);
    const wrong = observer({ apiAuth: 'basic', apiCredentials: 'user:wrong' });
    await expect(listed(wrong)).rejects.toMatchObject({ fault: 'unauthorized' });
  });

  it.each([
    ['a status 429', 429, '{}', { fault: 'rate-limited', retryAfterMs: 7_000 }],
    ['a status 503', 503, '{}', { fault: 'failed' }],
    ['a redirect', 302, '', { fault: 'refused' }],
    ['a body that is not JSON', 200, '<html>', { fault: 'not-understood' }],
    ['a body without data', 200, '{"data":null}', { fault: 'not-understood' }],
    ['an endpoint without an id', 200, '{"data":[{}]}', { fault: 'not-understood' }],
    ['a link without a cursor', 200, '{"data":[],"links":[{"rel":"next","href":"/"}]}', { fault: 'not-understood' }],
  ])('fails for %s', async (_, status, body, failure) => {
    proxy.fault = ({ path }, response) => {
      if (path.endsWith('/token')) return false;
      response.writeHead(status, { 'retry-after': '7', location: customer.url }).end(body);
      return true;
    };
    await expect(listed()).rejects.toMatchObject(failure);
    await expect(find('e-1')).rejects.toMatchObject({ name: 'ProviderApiError' });
  });

  it('fails if the API cannot be reached, or a list never ends', async () => {
    await expect(listed(observer({ apiUrl: 'http://127.0.0.1:1' }))).rejects.toMatchObject({ fault: 'unreachable' });
    const next = '{"data":[],"links":[{"rel":"next","href":"http://a.example/?afterCursor=same"}]}';
    proxy.fault = ({ path }, response) => {
      if (path.endsWith('/token')) return false;
      response.writeHead(200).end(next);
      return true;
    };
    await expect(listed()).rejects.toMatchObject({ fault: 'not-understood' });
  });

  it('takes the 404 of something else for no answer', async () => {
    proxy.fault = ({ path }, response) => {
      if (path.endsWith('/token')) return false;
      response.writeHead(404).end('{"message":"no such route"}');
      return true;
    };
    await expect(find('e-1')).rejects.toMatchObject({ fault: 'not-understood' });
  });

  it('stops when it is aborted', async () => {
    const aborted = AbortSignal.abort();
    await expect(observer().list(aborted).next()).rejects.toMatchObject({ fault: 'unreachable' });
  });
});
