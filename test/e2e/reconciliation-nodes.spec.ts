// Several nodes share the work: one polls at a time, all can tell, and another one takes over.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { brtc } from '../../src/sources/brtc/brtc-source.js';
import { eventually } from '../eventually.js';
import { ACCOUNT, BrtcCustomer } from '../simulator/brtc-customer.js';
import { sourceOf } from '../sources/every-dialect.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { parseSeries } from './scrape.js';
import { type Service, startService } from './service.js';

const POLLS = 'rollcall_reconciliation_polls_total{source="brtc",outcome="complete"}';

describe('reconciliation on two nodes', () => {
  let redis: RedisServer;
  let customer: BrtcCustomer;
  let nodes: readonly Service[];
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    customer = await BrtcCustomer.start();
    const { settings, ...source } = sourceOf('brtc', brtc);
    const api = { accountId: ACCOUNT, apiCredentials: 'user:password', apiUrl: customer.url };
    const sources = [{ ...source, settings: { ...settings, ...api } }] as const;
    const options = { redisUrl: redis.url, redisPrefix: 'shared', sources, reconcileMs: 1_000 };
    nodes = [await startService(options), await startService(options)];
  });
  afterEach(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await customer.simulator.close();
  });

  const pollsOf = async (node: Service) => parseSeries((await node.request('/metrics')).text).get(POLLS) ?? 0;
  const holder = async () => {
    const polls = await Promise.all(nodes.map(pollsOf));
    expect(Math.max(...polls)).toBeGreaterThan(1);
    expect(Math.min(...polls)).toBe(0);
    return polls.indexOf(Math.max(...polls));
  };

  it('is done by one of them, told by both, and taken over', async () => {
    await customer.connect((await customer.create()).endpointId);
    await eventually(async () => void (await holder()));
    const first = nodes[await holder()] as Service;
    const second = nodes[1 - (await holder())] as Service;
    await eventually(async () => {
      const [a, b] = await Promise.all([first, second].map((node) => node.request('/v1/reconciliation')));
      expect(a?.json.items[0].corrections).toEqual({ added: 1, removed: 0 });
      expect(b?.json).toEqual(a?.json);
    });
    await first.stop();
    await eventually(async () => expect(await pollsOf(second)).toBeGreaterThan(0));
    const { corrections } = (await second.request('/v1/reconciliation')).json.items[0];
    expect(corrections).toEqual({ added: 1, removed: 0 });
  });
});
