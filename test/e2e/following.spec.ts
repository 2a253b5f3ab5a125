// Under load, with followers that are killed and resume: every change arrives once and in order, and listing then following
// gives the same result as a fresh list.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { parsePosition } from '../../src/storage/feed-position.js';
import { changesAfter } from '../contract/feed.js';
import { eventually } from '../eventually.js';
import { lengthOf } from '../length.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { Listener } from './listener.js';
import { Mirror } from './mirror.js';
import { type Service, startService } from './service.js';

const CALLBACKS = lengthOf(4_000, 20_000);
/** The number of callbacks between two kills. */
const INTERVAL = CALLBACKS / 100;
const SENDERS = 32;
const T0 = 1_790_000_000_000;

/** The same each time: 500 participants who connect, leave, change their tag and lose their connection. */
function callbacks(): Record<string, unknown>[] {
  const one = fc.record({
    event: fc.constantFrom('onConnect', 'onConnect', 'onDisconnect', 'onLeave'),
    participantId: fc.nat(499).map((n) => `p${n}`),
    deviceId: fc.constantFrom('d1', 'd2', 'd3'),
    tag: fc.constantFrom(undefined, 'red', 'blue'),
  });
  return fc
    .sample(one, { numRuns: CALLBACKS, seed: 7 })
    .map((callback, n) => ({ ...callback, timestamp: T0 + n * 10 - (n % 7) * 30 }));
}

async function send(nodes: readonly Service[], between: () => Promise<void> | void): Promise<void> {
  const all = callbacks();
  let next = 0;
  const sender = async () => {
    for (let n = next++; n < all.length; n = next++) {
      const { status } = await (nodes[n % nodes.length] as Service).callback(all[n]);
      if (status !== 204) throw new Error(`answered ${status}`);
      if (n % INTERVAL === 0) await between();
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
}

/** A follower that is killed repeatedly and each time resumes on another node after the last id it received. */
class UnsteadyFollower {
  readonly received: string[] = [];
  readonly #position: string;
  #listener: Listener | undefined;
  #kills = 0;
  #resumed = Promise.resolve();

  constructor(
    private readonly nodes: readonly Service[],
    begin: string,
  ) {
    this.#position = begin;
  }

  /** Concurrent calls run one at a time. */
  resume(): Promise<void> {
    this.#resumed = this.#resumed.then(async () => {
      this.stop();
      const lastEventId = this.received.at(-1) ?? this.#position;
      const node = this.nodes[this.#kills++ % this.nodes.length] as Service;
      this.#listener = await Listener.open(node.url, { lastEventId });
    });
    return this.#resumed;
  }

  /** Keeps what the current listener has received so far; later changes count as not received. */
  stop(): void {
    this.#listener?.close();
    this.received.push(...(this.#listener?.changes.map(({ id }) => id) ?? []));
    this.#listener = undefined;
  }

  get count(): number {
    return this.received.length + (this.#listener?.changes.length ?? 0);
  }
}

const STORES: [string, number, (server: RedisServer) => { redisUrl?: string; redisPrefix: string }][] = [
  ['two nodes on one Redis', 2, ({ url }) => ({ redisUrl: url, redisPrefix: 'following' })],
  ['one node on SQLite', 1, () => ({ redisPrefix: '' })],
];

describe.each(STORES)('%s, under load', (_, count, where) => {
  let server: RedisServer;
  let nodes: Service[];
  beforeAll(async () => {
    server = await RedisServer.start();
    nodes = await Promise.all(
      Array.from({ length: count }, () => startService({ ...where(server), policy: { graceMs: 1_000 } })),
    );
  });
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await server.stop();
  });

  it('neither lose nor repeat a change for any follower, and list-then-follow equals a fresh list', async () => {
    const [node] = nodes as [Service];
    const begin = (await node.request('/v1/changes')).json.position;
    const steady = await Listener.open(node.url, { query: `after=${begin}` });
    const unsteady = new UnsteadyFollower(nodes, begin);
    await unsteady.resume();
    const mirror = new Mirror();
    let mirrored: Listener | undefined;
    let pauses = 0;
    await send(nodes, async () => {
      pauses += 1;
      await unsteady.resume();
      if (pauses !== 30) return;
      await mirror.list(node);
      mirrored = await Listener.open(node.url, { query: `after=${mirror.position}` });
    });
    await eventually(async () => {
      // Participants who are reconnecting are still going to change.
      const { json } = await node.request('/v1/participants?state=connected,reconnecting&limit=1000');
      expect(JSON.stringify(json)).not.toContain('"reconnecting"');
    });

    const end = (await node.request('/v1/changes')).json.position;
    await eventually(() => {
      for (const listener of [steady, mirrored]) expect(listener?.lastId).toBe(end);
      expect(unsteady.count).toBeGreaterThanOrEqual(steady.changes.length);
    });
    unsteady.stop();
    const ids = steady.changes.map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(CALLBACKS / 4);
    expect(new Set(ids).size).toBe(ids.length);
    expect(unsteady.received).toEqual(ids);
    const stored = await changesAfter(node.storage.feed, parsePosition(begin) ?? []);
    expect(steady.changes.map(({ data }) => `${data.type} ${data.participantId} ${data.version}`)).toEqual(
      stored.map(({ type, subject, version }) => `${type} ${subject.participantId} ${version}`),
    );

    for (const { data } of mirrored?.changes ?? []) mirror.apply(data);
    const fresh = new Mirror();
    await fresh.list(node);
    expect(fresh.present.length).toBeGreaterThan(50);
    expect(mirror.present).toEqual(fresh.present);
    for (const listener of [steady, mirrored]) listener?.close();
  }, 180_000);
});

describe('followers of a service on Redis', () => {
  it('are reset when Redis loses its data, and the next list is correct', async () => {
    const server = await RedisServer.start();
    const service = await startService({ redisUrl: server.url, redisPrefix: 'lost' });
    const admin = new Redis(server.url);
    await service.callback({ participantId: 'before' });
    const listener = await Listener.open(service.url);
    const { position } = (await service.request('/v1/changes')).json;
    const waiting = service.request(`/v1/changes?after=${position}&wait=30`);
    await admin.flushall();
    await eventually(() => expect(listener.types).toEqual(['reset']));
    expect((await waiting).status).toBe(410);
    expect((await service.request('/v1/participants')).json.items).toEqual([]);
    await service.callback({ participantId: 'after' });
    const list = (await service.request('/v1/participants')).json;
    expect(list.items).toMatchObject([{ participantId: 'after' }]);
    // The listener continues from the position of the reset by itself.
    await eventually(() => expect(listener.types).toEqual(['reset', 'device.connected', 'participant.connected']));
    expect(listener.lastId).toBe(list.position);
    listener.close();
    admin.disconnect();
    await service.stop();
    await server.stop();
  });

  it('are reset even if a new event arrives immediately after the data loss', async () => {
    const server = await RedisServer.start();
    const service = await startService({ redisUrl: server.url, redisPrefix: 'lost' });
    const admin = new Redis(server.url);
    const listener = await Listener.open(service.url);
    await Promise.all([admin.flushall(), service.callback({ participantId: 'after' })]);
    await eventually(() => expect(listener.types[0]).toBe('reset'));
    listener.close();
    admin.disconnect();
    await service.stop();
    await server.stop();
  });

  it('keep their streams open while Redis is unavailable, and continue afterwards', async () => {
    const server = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
    const service = await startService({ redisUrl: server.url });
    const listener = await Listener.open(service.url);
    await service.callback({ participantId: 'a' });
    await eventually(() => expect(listener.changes).toHaveLength(2));
    const lines = () =>
      service.logged.map(({ msg }) => String(msg)).filter((line) => /feed can(not)? be read/.test(line));
    await server.kill();
    await eventually(() => expect(lines()).toEqual(['the change feed cannot be read']));
    expect((await service.request('/v1/changes/stream')).status).toBe(503);
    expect((await service.request(`/v1/changes?after=${listener.lastId}`)).status).toBe(503);
    await server.restart();
    await eventually(async () => expect((await service.callback({ participantId: 'b' })).status).toBe(204));
    await eventually(() => expect(listener.changes).toHaveLength(4));
    expect(listener.types).not.toContain('reset');
    expect(listener.responses).toHaveLength(1);
    await eventually(() =>
      expect(lines()).toEqual(['the change feed cannot be read', 'the change feed can be read again']),
    );
    listener.close();
    await service.stop();
    await server.stop();
  });
});
