// The provider's own server SDK works with the simulator; requests that the SDK cannot send are sent with fetch().

import {
  ApiController,
  type ApiError,
  Client,
  DeviceApiVersionEnum,
  Environment,
  PublishPermissionEnum,
} from '@bandwidth/webrtc';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { MAX_SESSION_PARTICIPANTS } from '../../simulator/provider/participants.js';
import type { Simulator } from '../../simulator/simulator.js';
import { PLAIN } from './settings.js';
import { startSimulator } from './start-simulator.js';

const ACCOUNT = '9903498';
const UNKNOWN = '473f6544-92f7-4d67-9e77-bf2533cfff6d';
const CUSTOMER = { credentials: 'user:password', accountId: ACCOUNT };

describe('the API', () => {
  let simulator: Simulator;
  let url: string;
  let api: ApiController;

  const sdk = (basicAuthPassword = 'password', base = '/v1') =>
    new ApiController(
      new Client({
        environment: Environment.Custom,
        baseUrl: url + base,
        basicAuthUserName: 'user',
        basicAuthPassword,
      }),
    );
  const create = async (tag?: string) => {
    const { result } = await api.createParticipant(ACCOUNT, tag === undefined ? undefined : { tag });
    return result.participant?.id ?? '';
  };
  const createSession = async () => (await api.createSession(ACCOUNT)).result.id ?? '';
  const failureOf = async (call: Promise<unknown>) => {
    // Because of how the SDK is compiled, the error is not an instance of its class.
    const error = await call.then(
      () => undefined,
      (thrown: ApiError) => thrown,
    );
    return { statusCode: error?.statusCode, body: JSON.parse(error?.body as string) };
  };

  beforeEach(async () => {
    const settings = { ...PLAIN, customer: CUSTOMER, callbackHosts: ['svc.example'] };
    ({ simulator, url } = await startSimulator(settings));
    api = sdk();
  });
  afterEach(() => simulator.close());

  it('creates a participant with a token that the browser SDK recognises as version 3', async () => {
    const settings = {
      callbackUrl: 'https://svc.example/hooks/bw',
      publishPermissions: [PublishPermissionEnum.AUDIO],
      tag: 'agent-17',
      deviceApiVersion: DeviceApiVersionEnum.V3,
    };
    const { result, statusCode } = await api.createParticipant(ACCOUNT, settings);
    expect(statusCode).toBe(200);
    const { participant, token = '' } = result;
    expect(participant).toEqual({ id: participant?.id, ...settings, sessions: [], subscriptions: {} });
    expect(decodeJwt(token)).toMatchObject({ v: 'v3', p: participant?.id });
    expect((await api.getParticipant(ACCOUNT, participant?.id ?? '')).result).toEqual(participant);
  });

  it('creates a participant without settings, whose callbackUrl is null', async () => {
    const { result } = await api.createParticipant(ACCOUNT);
    expect(result.participant).toMatchObject({ callbackUrl: null, sessions: [], subscriptions: {} });
    expect(result.participant).not.toHaveProperty('tag');
  });

  it('deletes a participant, which is then not found', async () => {
    const id = await create();
    expect((await api.deleteParticipant(ACCOUNT, id)).statusCode).toBe(204);
    for (const call of [() => api.getParticipant(ACCOUNT, id), () => api.deleteParticipant(ACCOUNT, id)]) {
      const { statusCode, body } = await failureOf(call());
      expect(statusCode).toBe(404);
      expect(body).toEqual({ error: expect.stringContaining(id), requestId: expect.any(String) });
    }
  });

  it('creates, gets and deletes a session, and keeps its participants', async () => {
    const { result: session } = await api.createSession(ACCOUNT, { tag: 'room-1' });
    const sessionId = session.id ?? '';
    expect(session).toEqual({ id: expect.any(String), tag: 'room-1' });
    expect((await api.getSession(ACCOUNT, sessionId)).result).toEqual(session);
    const id = await create();
    await api.addParticipantToSession(ACCOUNT, sessionId, id);
    expect((await api.deleteSession(ACCOUNT, sessionId)).statusCode).toBe(204);
    expect((await failureOf(api.getSession(ACCOUNT, sessionId))).statusCode).toBe(404);
    expect((await api.getParticipant(ACCOUNT, id)).result.sessions).toEqual([]);
  });

  it('lists the participants of a session, each of whom can be in only one', async () => {
    const [first, second] = [await createSession(), await createSession()];
    expect((await api.listSessionParticipants(ACCOUNT, first)).result).toEqual([]);
    const id = await create('agent-17');
    expect((await api.addParticipantToSession(ACCOUNT, first, id)).statusCode).toBe(204);
    expect((await api.addParticipantToSession(ACCOUNT, first, id)).statusCode).toBe(204);
    const { result } = await api.listSessionParticipants(ACCOUNT, first);
    expect(result).toMatchObject([{ id, sessions: [first], tag: 'agent-17' }]);
    expect(await failureOf(api.addParticipantToSession(ACCOUNT, second, id))).toMatchObject({
      statusCode: 409,
      body: { error: expect.stringContaining(first) },
    });
    expect((await api.removeParticipantFromSession(ACCOUNT, first, id)).statusCode).toBe(204);
    expect((await failureOf(api.removeParticipantFromSession(ACCOUNT, first, id))).statusCode).toBe(404);
    await api.addParticipantToSession(ACCOUNT, second, id);
  });

  it('limits a session to twenty participants', async () => {
    const session = await createSession();
    for (let n = 0; n < MAX_SESSION_PARTICIPANTS; n += 1) {
      await api.addParticipantToSession(ACCOUNT, session, await create());
    }
    const { statusCode, body } = await failureOf(api.addParticipantToSession(ACCOUNT, session, await create()));
    expect(statusCode).toBe(409);
    expect(body.error).toContain('20');
    expect((await api.listSessionParticipants(ACCOUNT, session)).result).toHaveLength(20);
  });

  it('stores the subscriptions of a participant in its session', async () => {
    const session = await createSession();
    const [id, other] = [await create(), await create()];
    await api.addParticipantToSession(ACCOUNT, session, other);
    await api.addParticipantToSession(ACCOUNT, session, id, { sessionId: session });
    const get = async () => (await api.getParticipantSubscriptions(ACCOUNT, session, id)).result;
    expect(await get()).toEqual({ sessionId: session });
    const some = { sessionId: session, participants: [{ participantId: other, streamAliases: ['camera'] }] };
    await api.updateParticipantSubscriptions(ACCOUNT, session, id, some);
    expect(await get()).toEqual(some);
    const unknown = { participants: [{ participantId: UNKNOWN }] };
    expect(await failureOf(api.updateParticipantSubscriptions(ACCOUNT, session, id, unknown))).toMatchObject({
      statusCode: 404,
    });
    await api.updateParticipantSubscriptions(ACCOUNT, session, id);
    expect(await get()).toEqual({});
    await api.addParticipantToSession(ACCOUNT, session, id, some);
    await api.removeParticipantFromSession(ACCOUNT, session, id);
    expect((await api.getParticipant(ACCOUNT, id)).result).toMatchObject({ sessions: [], subscriptions: {} });
  });

  it('requires credentials, and accepts only one account', async () => {
    expect(await failureOf(sdk('wrong').createParticipant(ACCOUNT))).toEqual({
      statusCode: 401,
      body: { message: 'Unauthorized' },
    });
    expect(await failureOf(api.createParticipant('1'))).toEqual({
      statusCode: 403,
      body: { message: 'Missing Authentication Token' },
    });
    const without = await fetch(`${url}/v1/accounts/${ACCOUNT}/participants`, { method: 'POST' });
    expect([without.status, without.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^Basic /)]);
  });

  it('answers malformed paths in the same error format', async () => {
    const response = await fetch(`${url}/v1/accounts/${ACCOUNT}/participants/%zz`);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: expect.any(String), requestId: expect.any(String) });
  });

  it('works the same without /v1', async () => {
    const { result } = await sdk('password', '').createParticipant(ACCOUNT);
    expect((await api.getParticipant(ACCOUNT, result.participant?.id ?? '')).result).toEqual(result.participant);
  });

  it.each([
    ['a tag of 51 characters', { tag: 'x'.repeat(51) }, 'tag'],
    ['a tag that is not a string', { tag: 7 }, 'tag'],
    ['a callbackUrl that is not a URL', { callbackUrl: 'svc.example' }, 'callbackUrl'],
    ['a callbackUrl with another scheme', { callbackUrl: 'ftp://svc.example' }, 'callbackUrl'],
    ['an unknown permission', { publishPermissions: ['SCREEN'] }, 'publishPermissions'],
    ['a permission twice', { publishPermissions: ['AUDIO', 'AUDIO'] }, 'publishPermissions'],
    ['an old version', { deviceApiVersion: 'V2' }, 'deviceApiVersion'],
    ['an array', [], 'JSON object'],
    ['invalid JSON', '{', 'JSON'],
  ])('rejects %s', async (_, body, mentioned) => {
    const response = await fetch(`${url}/v1/accounts/${ACCOUNT}/participants`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('user:password')}`, 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ error: expect.stringContaining(mentioned), requestId: expect.any(String) });
  });

  it('has the participants that are created with the control API, with all of their settings', async () => {
    const page = await startSimulator(PLAIN);
    const settings = { publishPermissions: ['VIDEO'], tag: 'room-1', deviceApiVersion: 'V3' };
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify(settings) };
    const created = (await (await fetch(`${page.url}/control/participants`, init)).json()) as { participantId: string };
    const credentials = { authorization: `Basic ${btoa('any:any')}` };
    const path = `/v1/accounts/page/participants/${created.participantId}`;
    const response = await fetch(page.url + path, { headers: credentials });
    expect(await response.json()).toMatchObject({ ...settings, callbackUrl: null });
    await page.simulator.close();
  });

  it('accepts a tag of 50 characters, and ignores unknown members', async () => {
    const tag = 'x'.repeat(50);
    const settings = { tag, color: 'red' };
    const { result } = await api.createParticipant(ACCOUNT, settings);
    expect(result.participant).toMatchObject({ tag });
    expect(result.participant).not.toHaveProperty('color');
  });
});
