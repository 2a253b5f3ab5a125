// A source of Jitsi: what a service makes of the bodies in test/sources/jitsi/. The session was recorded between Prosody 0.12.3 of
// Debian with event_sync and a service, while XMPP clients joined and left; the times of receipt are exact to about 0.2 s.
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { readConfig } from '../../src/config/config.js';
import { DIALECTS } from '../../src/sources/registry.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { bodyCases } from '../sources/cases.js';
import { type Service, type ServiceOptions, startService } from './service.js';

interface Request {
  readonly receivedAtMs: number;
  readonly path: string;
  readonly body: string;
}

const SESSION = JSON.parse(
  readFileSync(new URL('../sources/jitsi/session.json', import.meta.url), 'utf8'),
) as readonly Request[];
const STARTED_AT_MS = SESSION[0]?.receivedAtMs ?? 0;
const ENDED_AT_MS = SESSION.at(-1)?.receivedAtMs ?? 0;

const SECRET = 'a-callback-secret-of-32-characters-or-more';
const HEADER = 'Bearer the-header-secret-of-32-characters-or-more';
const STATUSES: Readonly<Record<string, number>> = { events: 204, ignored: 204, invalid: 400 };

describe('a source of Jitsi', () => {
  let service: Service;
  afterEach(() => service.stop());

  const start = async (options: ServiceOptions = {}, environment: Readonly<Record<string, string>> = {}) => {
    const { sources } = readConfig(DIALECTS, { SOURCES: 'jitsi', ...environment });
    service = await startService({ sources, access: { callbackSecrets: [SECRET] }, logLevel: 'trace', ...options });
  };
  const send = async ({ path, body }: Pick<Request, 'path' | 'body'>, token = `/${SECRET}`, headers: object = {}) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body };
    return (await service.request(`/callbacks/jitsi${token}${path}`, init)).status;
  };
  const participants = async () =>
    (await service.request('/v1/participants?scope=r-42&state=connected,reconnecting,gone')).json.items as {
      participantId: string;
      state: string;
      cause?: string;
      devices: { deviceId: string; state: string }[];
    }[];
  const states = async () =>
    Object.fromEntries((await participants()).map(({ participantId, state }) => [participantId.split('@')[0], state]));

  it.each(bodyCases('jitsi/bodies'))(
    'answers: $name',
    async ({ path = '', rawBody, expect: { outcome, events = [] } }) => {
      await start();
      expect(await send({ path, body: rawBody })).toBe(STATUSES[outcome]);
      const ids = (await participants()).map(({ participantId }) => participantId);
      expect(new Set(ids)).toEqual(new Set(events.map(({ participantId }) => participantId)));
    },
  );

  it('follows a session of the real module: joins, leaves, redelivery, a lost client and the end of the room', async () => {
    const clock = new ManualClock(STARTED_AT_MS);
    await start({ clock });
    let sent = 0;
    const replayUntil = async (second: number) => {
      for (; (SESSION[sent]?.receivedAtMs ?? Number.POSITIVE_INFINITY) < second * 1_000; sent += 1) {
        const request = SESSION[sent] as Request;
        clock.advance(Math.max(0, request.receivedAtMs - clock.now()));
        expect(await send(request)).toBe(204);
      }
    };
    const anonymous = 'smwkigkuddmh_cpojoxqywdb';
    await replayUntil(1_795_717_150.5);
    expect(await states()).toEqual({ alice: 'connected', bob: 'connected', [anonymous]: 'connected' });
    // Bob has left in the second in which he joined.
    await replayUntil(1_795_717_151);
    expect(await states()).toEqual({ alice: 'connected', bob: 'reconnecting', [anonymous]: 'reconnecting' });
    // Alice has left and joined again at once, and the join was received first.
    await replayUntil(1_795_717_153);
    expect(await states()).toMatchObject({ alice: 'connected' });
    expect((await participants()).find(({ participantId }) => participantId === 'alice')?.devices).toMatchObject([
      { deviceId: 'qa8k6b3-qsolw4gvv3o9nf_4@meet.example.org/alice_a#@1795717152', state: 'connected' },
      { deviceId: 'qa8k6b3-qsolw4gvv3o9nf_4@meet.example.org/alice_a#@1795717150', state: 'reconnecting' },
    ]);
    // Bob's join was sent three times, since the first two were answered 503.
    await replayUntil(1_795_717_158);
    expect(await states()).toMatchObject({ alice: 'connected', bob: 'connected' });
    await replayUntil(1_795_717_159);
    expect(await states()).toMatchObject({ carl: 'connected' });
    // The socket of Carl's client was cut at 159, and Prosody waited for it to resume.
    await replayUntil(1_795_717_163.3);
    expect(await states()).toMatchObject({ alice: 'connected', bob: 'connected', carl: 'reconnecting' });
    // The room was destroyed, and with it the leaves of those in it were sent.
    await replayUntil(1_795_717_164);
    expect(await states()).toMatchObject({ alice: 'reconnecting', bob: 'reconnecting', carl: 'reconnecting' });
    await replayUntil(Number.POSITIVE_INFINITY);
    clock.advance(16_000);
    await eventually(async () => {
      const gone = { state: 'gone', cause: 'lost' };
      expect(await participants()).toMatchObject([gone, gone, gone, gone]);
    });
    expect((await service.request('/v1/quarantine')).json.items).toEqual([]);
  });

  it('ends a stay within one second also if its end is received first, as when the join is sent again', async () => {
    const clock = new ManualClock(STARTED_AT_MS);
    await start({ clock });
    const [join, leave] = SESSION.filter(
      ({ body }) => body.includes('"joined_at":1795717150') && body.includes('bob_b'),
    );
    expect(leave?.body).toContain('"left_at":1795717150');
    for (const request of [leave, join]) {
      clock.advance(1_000);
      expect(await send(request as Request)).toBe(204);
    }
    expect(await states()).toEqual({ bob: 'reconnecting' });
  });

  /** Of a client that has joined twice, the end of the room lists only the newer join. */
  const FIRST_OF_TWO_JOINS = ['alice_a#@1795717150', 'bob_b#@1795717150'];

  it.each<[string, readonly Request[], readonly string[]]>([
    ['in reverse order', SESSION.toReversed(), []],
    ['with no leave delivered', SESSION.filter(({ path }) => path !== '/events/occupant/left'), FIRST_OF_TWO_JOINS],
  ])('ends everybody with the room, %s', async (_, requests, stillConnected) => {
    const clock = new ManualClock(ENDED_AT_MS);
    await start({ clock });
    for (const request of requests) expect(await send(request)).toBe(204);
    clock.advance(16_000);
    await eventually(async () => {
      const devices = (await participants()).flatMap((participant) => participant.devices);
      expect(devices).toHaveLength(6);
      const others = devices.filter(({ state }) => state !== 'gone');
      expect(others.map(({ deviceId }) => deviceId.replace(/^.*\//, '')).sort()).toEqual(stillConnected);
    });
  });

  const [JOIN] = SESSION.filter(({ path }) => path === '/events/occupant/joined');
  const PATHS = [...(DIALECTS.jitsi?.paths ?? []), ''];

  it('takes callbacks at all of its paths, with a secret in the URL or as Basic credentials', async () => {
    await start();
    const basic = { authorization: `Basic ${btoa(`rollcall:${SECRET}`)}` };
    expect(PATHS).toHaveLength(5);
    for (const path of PATHS) {
      const request = { path, body: JOIN?.body ?? '' };
      const statuses = [await send(request), await send(request, '', basic), await send(request, '')];
      expect([path, ...statuses, await send(request, '/events')]).toEqual([path, 204, 204, 401, 404]);
    }
  });

  it('takes callbacks with the header that is set, and no others', async () => {
    const setting = `Authorization: Bearer the-older-secret-of-32-characters, ${HEADER}`;
    await start({}, { SOURCE_JITSI_CALLBACK_HEADER: setting });
    const position = (await service.request('/v1/changes')).json.position;
    const request = { path: '/events/occupant/joined', body: JOIN?.body ?? '' };
    const withHeader = (authorization: string, token = '') => send(request, token, { authorization });
    expect([await send(request, ''), await send(request), await withHeader(`${HEADER}x`)]).toEqual([401, 401, 401]);
    expect(await withHeader(HEADER, '/a-wrong-secret-of-32-characters-or-more')).toBe(404);
    expect((await service.request('/v1/changes')).json.position).toBe(position);
    expect((await service.request('/v1/quarantine')).json.items).toEqual([]);
    expect(await withHeader('Bearer the-older-secret-of-32-characters')).toBe(204);
    for (const path of PATHS) expect(await send({ ...request, path }, '', { authorization: HEADER })).toBe(204);
    expect(await withHeader(HEADER, `/${SECRET}`)).toBe(204);
    const log = JSON.stringify(service.logged);
    expect(log).toContain('wrong-secret');
    for (const secret of ['the-header-secret', 'the-older-secret', SECRET]) expect(log).not.toContain(secret);
    const { description } = (await service.request('/openapi.json')).json.paths['/callbacks/jitsi/events/room/created']
      .post;
    expect(description).toContain('carry the secret header');
  });

  it('does not start with a header that is not valid, and does not say what it is', async () => {
    await start();
    for (const value of ['hunter2', 'authorization: hunter2']) {
      const environment = { SOURCES: 'jitsi', SOURCE_JITSI_CALLBACK_HEADER: value };
      expect(() => readConfig(DIALECTS, environment)).toThrow('SOURCE_JITSI_CALLBACK_HEADER must be name: value');
      expect(() => readConfig(DIALECTS, environment)).not.toThrow('hunter2');
    }
  });
});
