// Two nodes that write the same participants through one Redis produce the same presence as a single node.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { changesAfter } from '../contract/feed.js';
import { lengthOf } from '../length.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { type Service, startService } from './service.js';

const T0 = 1_790_000_000_000;
const PARTICIPANTS = ['p1', 'p2', 'p3'];
/** The order of receipt, in which the nodes differ, decides only where clocks may differ. */
const WITHOUT_SKEW = { clockSkewMs: 0 };
/** Numbers the histories, so that each has its own participants. */
let histories = 0;

const callbacks = fc.array(
  fc.record({
    event: fc.constantFrom('onConnect', 'onConnect', 'onDisconnect', 'onLeave'),
    participantId: fc.constantFrom(...PARTICIPANTS),
    deviceId: fc.constantFrom('d1', 'd2'),
    timestamp: fc.nat(20).map((n) => T0 + n * 500),
    tag: fc.constantFrom(undefined, 'red', 'blue'),
  }),
  { minLength: 1, maxLength: 40 },
);

describe('two nodes on one Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());

  /** Everything visible that does not depend on the time of receipt. */
  async function presenceOf(service: Service, participantIds: string[]): Promise<unknown> {
    const { json } = await service.post('/v1/participants/lookup', { participantIds });
    return JSON.parse(
      JSON.stringify(json.items, (name, value) => (['version', 'until'].includes(name) ? undefined : value)),
    );
  }

  it('end with the same presence as one node, and announce each change once', async () => {
    const nodes = await Promise.all(
      ['shared', 'shared', 'alone'].map((redisPrefix) =>
        startService({ redisUrl: server.url, redisPrefix, policy: WITHOUT_SKEW }),
      ),
    );
    const [one, other, alone] = nodes as [Service, Service, Service];
    await fc.assert(
      fc.asyncProperty(callbacks, async (history) => {
        histories += 1;
        const own = (id: string) => `${histories}-${id}`;
        const events = history.map((event) => ({ ...event, participantId: own(event.participantId) }));
        const participants = PARTICIPANTS.map(own);
        const startPosition = await one.storage.feed.end();
        const answers = await Promise.all(
          events.flatMap((event, n) => [
            one.callback(event),
            ...(n % 3 === 0 ? [] : [other.callback(event)]),
            alone.callback(event),
          ]),
        );
        expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
        expect(await presenceOf(one, participants)).toEqual(await presenceOf(alone, participants));
        expect(await presenceOf(other, participants)).toEqual(await presenceOf(alone, participants));
        const versions = new Map<string, number[]>();
        for (const { subject, version } of await changesAfter(one.storage.feed, startPosition)) {
          const { participantId } = subject;
          versions.set(participantId, [...(versions.get(participantId) ?? []), version]);
        }
        for (const ofOne of versions.values()) {
          const distinct = [...new Set(ofOne)];
          expect(distinct).toEqual(distinct.map((_, n) => (distinct[0] ?? 0) + n));
        }
      }),
      { numRuns: lengthOf(15, 200) },
    );
    await Promise.all(nodes.map((node) => node.stop()));
  });

  it('neither lose nor repeat anything under load on the same participants', async () => {
    const redisPrefix = 'load';
    const one = await startService({ redisUrl: server.url, redisPrefix });
    const other = await startService({ redisUrl: server.url, redisPrefix });
    const sends = Array.from({ length: 2_000 }, (_, n) => ({
      participantId: `p${n % 20}`,
      deviceId: `d${Math.floor(n / 20) % 10}`,
      event: n < 1_800 ? 'onConnect' : 'onLeave',
      timestamp: T0 + n,
    }));
    // Few enough at once to be answered in time even on a busy machine.
    for (let from = 0; from < sends.length; from += 200) {
      const wave = sends.slice(from, from + 200);
      const answers = await Promise.all(wave.map((send, n) => (n % 2 === 0 ? one : other).callback(send)));
      expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([204]));
    }
    expect((await one.request('/v1/occupancy')).json).toMatchObject({ connected: 0, reconnecting: 0, devices: 0 });
    const gone = (await one.request('/v1/participants?state=gone')).json.items;
    expect(gone).toHaveLength(20);
    for (const { devices } of gone) expect(devices).toHaveLength(10);
    await Promise.all([one.stop(), other.stop()]);
  });
});
