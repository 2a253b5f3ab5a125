// Rooms of Twilio Video: what only this source does.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readConfig } from '../../src/config/config.js';
import { DIALECTS } from '../../src/sources/registry.js';
import { eventually } from '../eventually.js';
import { environmentOf, PUBLIC_URL, SIGNED_DIALECTS, type SignedDialect } from '../sources/signed-dialects.js';
import { type Service, startService } from './service.js';

const PATH = '/callbacks/twilio';
const twilio = SIGNED_DIALECTS.find(({ name }) => name === 'twilio') as SignedDialect;

describe('callbacks of Twilio', () => {
  let service: Service;
  beforeAll(async () => {
    const { sources } = readConfig(DIALECTS, environmentOf(twilio, { twilio: 1 }));
    service = await startService({ sources, access: { publicUrl: PUBLIC_URL } });
  });
  afterAll(() => service.stop());

  /** `at`: in seconds from now. */
  async function send(event: string, at: number, fields: Readonly<Record<string, string>>): Promise<number> {
    const Timestamp = new Date(Date.now() + at * 1_000).toISOString();
    const body = new URLSearchParams({ StatusCallbackEvent: event, Timestamp, ...fields }).toString();
    const headers = { 'content-type': twilio.contentType, ...(await twilio.sign(body, 1, PATH)) };
    return (await service.request(PATH, { method: 'POST', headers, body })).status;
  }

  const join = (RoomName: string, ParticipantIdentity: string, ParticipantSid: string, at: number) =>
    send('participant-connected', at, { RoomName, ParticipantIdentity, ParticipantSid });
  const participant = async (id: string, room: string) =>
    (await service.request(`/v1/participants/${encodeURIComponent(id)}?scope=${room}`)).json;

  it('end everybody in a room that is completed, and nobody else', async () => {
    for (const room of ['r1', 'r2']) expect(await join(room, 'Zoë + Ann', `PA-${room}`, -60)).toBe(204);
    expect(await join('r1', 'bob', 'PA-bob', -60)).toBe(204);
    expect(await send('room-ended', -30, { RoomName: 'r1', RoomStatus: 'completed' })).toBe(202);
    for (const id of ['Zoë + Ann', 'bob']) {
      await eventually(async () => expect(await participant(id, 'r1')).toMatchObject({ state: 'gone', cause: 'left' }));
    }
    expect(await participant('Zoë + Ann', 'r2')).toMatchObject({ state: 'connected', tag: 'r2' });
    expect(await join('r1', 'bob', 'PA-bob-2', -10)).toBe(204);
    expect(await participant('bob', 'r1')).toMatchObject({ state: 'connected' });
  });

  it('replace the device of a participant who joins again, even if its end is lost', async () => {
    expect(await join('r3', 'carl', 'PA-1', -60)).toBe(204);
    expect(await join('r3', 'carl', 'PA-2', -30)).toBe(204);
    const devices = [
      { deviceId: 'PA-1', state: 'gone' },
      { deviceId: 'PA-2', state: 'connected' },
    ];
    expect(await participant('carl', 'r3')).toMatchObject({
      state: 'connected',
      devices: expect.arrayContaining(devices.map((device) => expect.objectContaining(device))),
    });
  });

  it('are logged with the name of the event if that is not known', async () => {
    expect(await send('participant-teleported', 0, { RoomName: 'r4' })).toBe(202);
    const logged = { msg: 'callback ignored', reason: 'unknown-event', event: 'participant-teleported' };
    expect(service.logged).toContainEqual(expect.objectContaining(logged));
  });

  it('are accepted with a query in the URL, which is signed, and not as GET', async () => {
    const body = twilio.connect('dora');
    const path = `${PATH}?tenant=a%20b`;
    const headers = { 'content-type': twilio.contentType, ...(await twilio.sign(body, 1, path)) };
    const post = (to: string) => service.request(to, { method: 'POST', headers, body });
    expect((await post(PATH)).status).toBe(401);
    expect((await post(path)).status).toBe(204);
    const get = `${PATH}?${body}`;
    expect((await service.request(get, { headers: { ...(await twilio.sign('', 1, get)) } })).status).toBe(405);
  });
});
