import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { Listener, type ListenOptions } from './listener.js';
import { SEED, type Service, type ServiceOptions } from './service.js';
import { onEachStore } from './stores.js';

const OTHER_STORE = '000000000000.1';
const TIME = '2021-08-12T16:37:14.676Z';

describe.each(onEachStore())('changes on %s', (_, start) => {
  let service: Service;
  let closing: (() => unknown)[];
  beforeEach(async () => {
    closing = [];
    service = await start();
  });
  afterEach(async () => {
    for (const close of closing) close();
    await service.stop();
  });

  async function restart(options?: ServiceOptions): Promise<void> {
    await service.stop();
    service = await start(options);
  }

  async function listen(options?: ListenOptions): Promise<Listener> {
    const listener = await Listener.open(service.url, options);
    closing.push(() => listener.close());
    return listener;
  }

  const currentPosition = async () => (await service.request('/v1/changes')).json.position as string;
  const arrive = (participantId: string, parts = {}) => service.callback({ participantId, ...parts });
  /** In batches of 50, so that a busy machine accepts all of them. */
  async function arriveAll(count: number, parts = {}): Promise<void> {
    for (let n = 0; n < count; n += 50) {
      const answers = await Promise.all(Array.from({ length: 50 }, (_unused, i) => arrive(`p${n + i}`, parts)));
      expect(answers.filter(({ status }) => status !== 204)).toEqual([]);
    }
  }
  const leave = (participantId: string, parts = {}) =>
    service.callback({ participantId, event: 'onLeave', timestamp: 1628786300000, ...parts });

  describe('by poll', () => {
    it('are empty without a position, and then all changes after the returned one', async () => {
      const { json: begin } = await service.request('/v1/changes');
      expect(begin).toEqual({ items: [], position: expect.any(String) });
      await service.callback();
      const { status, json } = await service.request(`/v1/changes?after=${begin.position}`);
      expect(status).toBe(200);
      const common = {
        participantId: SEED.participantId,
        source: 'bandwidth',
        tag: SEED.tag,
        state: 'connected',
        previousState: null,
        since: TIME,
        at: TIME,
        receivedAt: expect.stringMatching(/^\d{4}-.*Z$/),
        heardAt: json.items[0].receivedAt,
        version: json.items[0].version,
        position: expect.any(String),
      };
      expect(json.items).toEqual([
        {
          type: 'device.connected',
          deviceId: SEED.deviceId,
          ...common,
          connectedAt: '2021-08-12T16:37:14.676Z',
          interruptions: 0,
        },
        { type: 'participant.connected', ...common },
      ]);
      expect(json.position).toBe(json.items[1].position);
    });

    it('resume exactly after each change, even within one commit', async () => {
      const begin = await currentPosition();
      for (const name of ['a', 'b', 'c']) await arrive(name);
      const { json: all } = await service.request(`/v1/changes?after=${begin}`);
      expect(all.items).toHaveLength(6);
      for (const [n, { position }] of all.items.entries()) {
        const { json } = await service.request(`/v1/changes?after=${position}&limit=1`);
        expect(json.items).toEqual(all.items.slice(n + 1, n + 2));
        expect(json.position).toBe(all.items[n + 1]?.position ?? position);
      }
    });

    it('include changes caused by a deadline, which have no provider time', async () => {
      const clock = new ManualClock(Date.parse(TIME));
      await restart({ clock });
      const begin = await currentPosition();
      await arrive('a');
      await service.callback({ participantId: 'a', event: 'onDisconnect', timestamp: '1628786235676' });
      clock.advance(15_000);
      await eventually(async () => {
        const { json } = await service.request(`/v1/changes?after=${begin}&types=participant.gone`);
        expect(json.items).toMatchObject([
          {
            type: 'participant.gone',
            cause: 'lost',
            previousState: 'reconnecting',
            at: null,
            version: Date.parse(TIME) + 2,
          },
        ]);
      });
    });

    it.each([
      ['participantId=a', ['device.connected a', 'participant.connected a', 'device.gone a', 'participant.gone a']],
      ['types=participant.gone,participant.updated', ['participant.gone a', 'participant.updated b']],
      ['tag=red', ['device.connected a', 'participant.connected a', 'device.gone a', 'participant.gone a']],
      ['tag=blue&types=participant.updated', ['participant.updated b']],
      ['tag=green', ['participant.updated b']],
      ['tag=none', []],
    ])('are filtered by %s, and the position advances past the others', async (filter, expected) => {
      const begin = await currentPosition();
      await arrive('a', { tag: 'red' });
      await arrive('b', { tag: 'blue' });
      await leave('a', { tag: 'red' });
      await arrive('b', { tag: 'green', timestamp: '1628786234999' });
      const { json } = await service.request(`/v1/changes?after=${begin}&${filter}`);
      const names = json.items.map((item: Record<string, string>) => `${item.type} ${item.participantId}`);
      expect(names).toEqual(filter.startsWith('tag=blue') ? ['participant.updated b'] : expected);
      expect(json.position).toBe(await currentPosition());
    });

    it('are returned as soon as they happen when the poll waits', async () => {
      const begin = await currentPosition();
      const waiting = service.request(`/v1/changes?after=${begin}&wait=30`);
      const filtered = service.request(`/v1/changes?after=${begin}&wait=30&participantId=b`);
      await arrive('a');
      expect((await waiting).json.items.map(({ participantId }: { participantId: string }) => participantId)).toEqual([
        'a',
        'a',
      ]);
      await arrive('b');
      expect((await filtered).json.items).toMatchObject([{ participantId: 'b' }, { participantId: 'b' }]);
    });

    it('are found behind any number of filtered-out changes, by continuing from each position', async () => {
      const begin = await currentPosition();
      for (let n = 0; n < 7_000; n += 250) {
        await Promise.all(Array.from({ length: 250 }, (_unused, i) => arrive(`p${n + i}`)));
      }
      await arrive('wanted');
      const positions = [begin];
      for (;;) {
        const filter = 'limit=1&wait=10&participantId=wanted';
        const { json } = await service.request(`/v1/changes?after=${positions.at(-1)}&${filter}`);
        expect(positions).not.toContain(json.position);
        positions.push(json.position);
        if (json.items.length === 0) continue;
        expect(json.items).toMatchObject([{ type: 'device.connected', participantId: 'wanted' }]);
        break;
      }
      expect(positions.length).toBeGreaterThan(2);
    });

    it('are gone for a position beyond the end of a commit', async () => {
      const begin = await currentPosition();
      await arrive('a');
      const end = await currentPosition();
      for (const position of [`${begin}.0`, `${begin}.1`, `${end}.0`, `${end}.2`, `${end}.9999`]) {
        expect([position, (await service.request(`/v1/changes?after=${position}`)).status]).toEqual([position, 410]);
      }
      expect((await service.request(`/v1/changes?after=${end}.1`)).json.items).toHaveLength(1);
    });

    it('are awaited no longer than requested, and the position advances in the meantime', async () => {
      const begin = await currentPosition();
      const waiting = service.request(`/v1/changes?after=${begin}&wait=1&participantId=b`);
      await arrive('a');
      const { status, json } = await waiting;
      expect(status).toBe(200);
      expect(json).toEqual({ items: [], position: await currentPosition() });
      expect(json.position).not.toBe(begin);
    });

    it.each([
      ['after=x', 'after'],
      ['after=', 'after'],
      ['after=000000000000.1&after=000000000000.2', 'after'],
      ['after=000000000000.99999999999999999999', 'after'],
      ['limit=0', 'limit'],
      ['limit=1001', 'limit'],
      ['wait=31', 'wait'],
      ['wait=-1', 'wait'],
      ['wait=1.5', 'wait'],
      ['types=participant.left', 'types'],
      ['types=', 'types'],
      ['participantId=', 'participantId'],
      ['participantId=a&participantId=b', 'participantId'],
      ['tag=', 'tag'],
      ['since=1', 'since'],
    ])('are refused for ?%s, with the invalid parameter', async (query, name) => {
      const { status, json } = await service.request(`/v1/changes?${query}`);
      expect(status).toBe(400);
      expect(json.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([`#/${name}`]);
    });

    it('are gone for an unknown position', async () => {
      const { status, json } = await service.request(`/v1/changes?after=${OTHER_STORE}&wait=5`);
      expect(status).toBe(410);
      expect(json.type).toBe('urn:rollcall:problem:position-gone');
    });
  });

  it('are gone after the retention of the feed', async () => {
    const clock = new ManualClock(Date.parse(TIME));
    await restart({ clock, feed: { retentionMs: 1 } });
    const begin = await currentPosition();
    await arrive('a');
    await arrive('b');
    await eventually(async () => {
      clock.advance(5_000);
      expect((await service.request(`/v1/changes?after=${begin}`)).status).toBe(410);
    });
    const listener = await listen({ query: `after=${begin}` });
    await eventually(() => expect(listener.types).toEqual(['reset']));
  });

  describe('after a list', () => {
    it('continue from the position that every page of the list has', async () => {
      for (const name of ['a', 'b', 'c']) await arrive(name);
      const first = await service.request('/v1/participants?limit=2');
      await arrive('d');
      const second = await service.request(`/v1/participants?limit=2&cursor=${first.json.nextCursor}`);
      expect(second.json.position).toBe(first.json.position);
      const { json } = await service.request(`/v1/changes?after=${second.json.position}`);
      expect(json.items).toMatchObject([{ participantId: 'd' }, { participantId: 'd' }]);
      const tags = await service.request('/v1/tags');
      expect(tags.json.position).toBe(json.position);
    });
  });

  describe('by stream', () => {
    it('arrive as they happen, with the position as the id, the type as the event and the change as the data', async () => {
      const listener = await listen();
      const begin = await currentPosition();
      await eventually(() =>
        expect(listener.received).toEqual([{ type: 'position', id: begin, data: { position: begin } }]),
      );
      await arrive('a');
      await leave('a');
      await eventually(() => expect(listener.changes).toHaveLength(4));
      const { json } = await service.request(`/v1/changes?after=${begin}`);
      expect(listener.changes).toEqual(
        json.items.map((data: Record<string, string>) => ({ type: data.type, id: data.position, data })),
      );
    });

    it('have headers that keep proxies from buffering or transforming them', async () => {
      const { headers } = (await listen()).responses[0] as Response;
      expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
      expect(headers.get('cache-control')).toContain('no-transform');
      expect(headers.get('x-accel-buffering')).toBe('no');
    });

    it('resume after Last-Event-ID, which takes precedence over `after`, or after `after`', async () => {
      const begin = await currentPosition();
      for (const name of ['a', 'b', 'c']) await arrive(name);
      const { items } = (await service.request(`/v1/changes?after=${begin}`)).json;
      for (const options of [
        { lastEventId: items[2].position },
        { lastEventId: items[2].position, query: `after=${begin}` },
        { query: `after=${items[2].position}` },
      ]) {
        const listener = await listen(options);
        await eventually(() => expect(listener.changes.map(({ data }) => data)).toEqual(items.slice(3)));
      }
    });

    it('catch up over several pages and then continue live', async () => {
      const begin = await currentPosition();
      await arriveAll(400);
      const listener = await listen({ query: `after=${begin}&types=participant.connected` });
      await arrive('last');
      await eventually(() => expect(listener.changes).toHaveLength(401));
      expect(new Set(listener.changes.map(({ data }) => data.participantId)).size).toBe(401);
      expect(listener.changes.at(-1)?.data.participantId).toBe('last');
    });

    it('catch up on a large backlog without being disconnected', async () => {
      const begin = await currentPosition();
      await arriveAll(300, { tag: 'x'.repeat(1_024) });
      const listener = await listen({ query: `after=${begin}` });
      await eventually(() => expect(listener.changes).toHaveLength(600));
      expect(listener.responses).toHaveLength(1);
    });

    it('occupy one stream slot each, which is released when the connection closes', async () => {
      await restart({ feed: { maxStreams: 5 } });
      const position = await currentPosition();
      const sockets = Array.from({ length: 5 }, () => connect(Number(new URL(service.url).port), '127.0.0.1'));
      for (const socket of sockets) socket.write('GET /v1/changes/stream HTTP/1.1\r\nhost: localhost\r\n\r\n');
      const open = async () => {
        const response = await fetch(`${service.url}/v1/changes/stream`);
        await response.body?.cancel();
        return response.status;
      };
      await eventually(async () => expect(await open()).toBe(503));
      for (const socket of sockets) socket.destroy();
      await eventually(async () => {
        const polls = Array.from({ length: 5 }, () => service.request(`/v1/changes?after=${position}&wait=1`));
        expect((await Promise.all(polls)).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
      });
    });

    it('are filtered, and the current position is sent every 15 s', async () => {
      const clock = new ManualClock(Date.parse(TIME));
      await restart({ clock });
      const listener = await listen({ query: 'participantId=b' });
      const raw = await openRaw('participantId=a');
      await arrive('a');
      await eventually(() => expect(raw.text()).toContain('participant.connected'));
      const position = await currentPosition();
      clock.advance(15_000);
      await eventually(() => expect(listener.lastId).toBe(position));
      expect(listener.types).toEqual([]);
      const again = await listen({ query: 'participantId=b', lastEventId: listener.lastId });
      await arrive('b');
      await eventually(() => expect(again.types).toEqual(['device.connected', 'participant.connected']));
      // A client that already has the position gets a comment, which EventSource ignores.
      await eventually(() => expect(raw.text()).toMatch(/\n:\n/));
    });

    it('start with the reconnection delay', async () => {
      const raw = await openRaw('');
      await eventually(() => expect(raw.text()).toMatch(/retry: 3000\n\n.*id: \S+\nevent: position\n/s));
    });

    it.each([
      ['after=x', {}, 'after'],
      ['limit=1', {}, 'limit'],
      ['', { 'last-event-id': 'x' }, 'Last-Event-ID'],
    ])('are refused for ?%s and headers %j, with the invalid parameter', async (query, headers, name) => {
      const { status, json } = await service.request(`/v1/changes/stream?${query}`, { headers });
      expect(status).toBe(400);
      expect(json.errors).toMatchObject([{ pointer: `#/${name}` }]);
    });

    it('start with a reset for an unknown position, and then continue from the current one', async () => {
      const listener = await listen({ query: `after=${OTHER_STORE}` });
      const position = await currentPosition();
      await eventually(() => expect(listener.received).toEqual([{ type: 'reset', id: position, data: { position } }]));
      await arrive('a');
      await eventually(() => expect(listener.types).toEqual(['reset', 'device.connected', 'participant.connected']));
      expect(listener.responses).toHaveLength(2);
    });

    it('support HEAD without starting a stream', async () => {
      const { status, headers } = await service.request('/v1/changes/stream', { method: 'HEAD' });
      expect(status).toBe(200);
      expect(headers.get('content-type')).toContain('text/event-stream');
    });

    it('are limited in number, and a new one is accepted once another has closed', async () => {
      await restart({ feed: { maxStreams: 2 }, http: { maxInFlight: 2 } });
      const position = await currentPosition();
      const [first] = [await listen(), await listen()];
      const refused = await service.request('/v1/changes/stream');
      expect(refused.status).toBe(503);
      expect(refused.headers.get('retry-after')).toBe('5');
      expect(refused.json.type).toBe('urn:rollcall:problem:too-many-streams');
      for (const query of ['', `?after=${position}`, `?after=${position}&tag=nobody`, `?after=${position}&wait=1`]) {
        const { status, json } = await service.request(`/v1/changes${query}`);
        expect([query, status, json.type]).toEqual([query, 503, 'urn:rollcall:problem:too-many-streams']);
      }
      first.close();
      await eventually(async () =>
        expect((await service.request(`/v1/changes?after=${position}&wait=1`)).status).toBe(200),
      );
    });

    it('are disconnected for a client that does not read, and only for that one', async () => {
      const listener = await listen({ query: 'types=participant.connected' });
      const stalled = await openRaw('');
      stalled.socket.pause();
      const tag = 'x'.repeat(1_000);
      let sent = 0;
      const isCut = () => service.logged.some(({ msg }) => String(msg).includes('disconnected a change stream'));
      while (!isCut() && sent < 20_000) {
        await Promise.all(Array.from({ length: 100 }, () => arrive(`${'p'.repeat(240)}${sent++}`, { tag })));
        // On a busy machine the listener, which reads in this process, would also be too slow.
        await eventually(() => expect(listener.changes).toHaveLength(sent));
      }
      expect(isCut()).toBe(true);
      expect(listener.responses).toHaveLength(1);
      const closed = once(stalled.socket, 'close');
      stalled.socket.resume();
      await closed;
    });

    it('end when the service stops, each with a different reconnection delay', async () => {
      const streams = await Promise.all([openRaw(''), openRaw(''), openRaw('')]);
      const closed = streams.map(({ socket }) => once(socket, 'close'));
      await service.stop();
      await Promise.all(closed);
      const retries = streams.map((one) => /retry: 3000\n\n[\s\S]*retry: (\d+)\n\n/.exec(one.text())?.[1]);
      expect(new Set(retries).size).toBe(3);
      for (const retry of retries) expect(Number(retry)).toBeLessThanOrEqual(10_000);
    });
  });

  /** Opens a stream and returns its raw bytes as text. Resolves when it has started. */
  async function openRaw(query: string): Promise<{ socket: Socket; text: () => string }> {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    closing.push(() => socket.destroy());
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.write(`GET /v1/changes/stream?${query} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    await eventually(() => expect(text).toContain('event: position'));
    return { socket, text: () => text };
  }
});
