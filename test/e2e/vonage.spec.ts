// Sessions of Vonage Video: what only this source does.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readConfig } from '../../src/config/config.js';
import { DIALECTS } from '../../src/sources/registry.js';
import { environmentOf, SIGNED_DIALECTS, type SignedDialect } from '../sources/signed-dialects.js';
import { type Service, startService } from './service.js';

const vonage = SIGNED_DIALECTS.find(({ name }) => name === 'vonage') as SignedDialect;

describe('callbacks of Vonage', () => {
  let service: Service;
  beforeAll(async () => {
    const environment = { ...environmentOf(vonage, { vonage: 1 }), SOURCE_VONAGE_PARTICIPANT_POINTER: '/user/id' };
    service = await startService({ sources: readConfig(DIALECTS, environment).sources });
  });
  afterAll(() => service.stop());

  /** `at`: in seconds from now. */
  async function send(event: string, at: number, connection: object, sessionId = 's1') {
    const timestamp = Date.now() + at * 1_000;
    const createdAt = event === 'connectionCreated' ? timestamp : timestamp - 1_000;
    const reason = 'clientDisconnected';
    const body = JSON.stringify({ event, sessionId, timestamp, reason, connection: { createdAt, ...connection } });
    const headers = { 'content-type': vonage.contentType, ...(await vonage.sign(body)) };
    return service.request('/callbacks/vonage', { method: 'POST', headers, body });
  }

  const data = (id: string) => JSON.stringify({ user: { id }, role: 'publisher' });
  const participant = async (id: string, session = 's1') =>
    (await service.request(`/v1/participants/${id}?scope=${session}`)).json;

  it('end the connection that they name, even if they do not name the participant', async () => {
    expect((await send('connectionCreated', -60, { id: 'c1', data: data('ann') })).status).toBe(204);
    expect((await send('connectionCreated', -50, { id: 'c2', data: data('ann') })).status).toBe(204);
    expect((await send('connectionCreated', -60, { id: 'c1', data: data('ann') }, 's2')).status).toBe(204);
    expect((await send('connectionDestroyed', -30, { id: 'c1', data: '' })).status).toBe(204);
    const devices = (await participant('ann')).devices as { deviceId: string; state: string }[];
    expect(Object.fromEntries(devices.map(({ deviceId, state }) => [deviceId, state]))).toEqual({
      c1: 'gone',
      c2: 'connected',
    });
    expect((await send('connectionDestroyed', -20, { id: 'c2', data: '' })).status).toBe(204);
    expect(await participant('ann')).toMatchObject({ state: 'gone', cause: 'left', tag: 's1' });
    expect(await participant('ann', 's2')).toMatchObject({ state: 'connected' });
  });

  it('end a connection that is received later', async () => {
    expect((await send('connectionDestroyed', -30, { id: 'c3', data: '' })).status).toBe(204);
    expect((await participant('bob')).status).toBe(404);
    expect((await send('connectionCreated', -60, { id: 'c3', data: data('bob') })).status).toBe(204);
    expect(await participant('bob')).toMatchObject({ state: 'gone', cause: 'left' });
  });

  it('are refused if the data of a connection does not name the participant, with the reason', async () => {
    const { status, json } = await send('connectionCreated', 0, { id: 'c4', data: 'carl' });
    const message = 'has no valid id at /user/id: it is missing';
    expect([status, json.errors]).toEqual([400, [{ pointer: '#/connection/data', message }]]);
  });

  it('name a participant after the connection if it has no data', async () => {
    expect((await send('connectionCreated', -60, { id: 'c5', data: '' })).status).toBe(204);
    expect(await participant('c5')).toMatchObject({ state: 'connected' });
    expect((await send('connectionDestroyed', -30, { id: 'c5', data: '' })).status).toBe(204);
    expect(await participant('c5')).toMatchObject({ state: 'gone', cause: 'left' });
  });
});
