// Reconciliation with a room service of LiveKit, whose list names the join of each participant.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { SourceName } from '../../src/domain/subject.js';
import { livekit } from '../../src/sources/livekit/livekit-source.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { KEY, participant, RoomService } from '../sources/livekit/room-service.js';
import { type Service, startService } from './service.js';

const INTERVAL_MS = 10_000;
const STEP_MS = 400;

describe('reconciliation with LiveKit', () => {
  let clock: ManualClock;
  let rooms: RoomService;
  let service: Service;
  beforeEach(async () => {
    clock = new ManualClock(Date.now());
    rooms = new RoomService();
    const settings = { apiKeys: [KEY], ignoredKinds: new Set(['AGENT']), apiUrl: await rooms.start() };
    const source = { name: 'livekit' as SourceName, dialect: 'livekit', settings };
    // Webhooks are not signed here.
    const dialects = { livekit: { ...livekit, create: unsigned } };
    service = await startService({ sources: [source], dialects, clock, reconcileMs: INTERVAL_MS });
  });
  afterEach(async () => {
    await service.stop();
    await rooms.stop();
  });

  const unsigned: typeof livekit.create = (...args) => {
    const source = livekit.create(...args);
    const { observer } = source;
    return { translate: (body, receivedAtMs) => source.translate(body, receivedAtMs), ...(observer && { observer }) };
  };
  const webhook = async (event: string, identity: string, parts: object = {}) => {
    const joinedAtMs = String(clock.now());
    const body = {
      event,
      room: { name: 'r-1' },
      participant: { sid: `PA_${identity}`, identity, joinedAtMs, ...parts },
      id: `EV_${event}_${identity}`,
      createdAt: String(Math.floor(clock.now() / 1_000)),
    };
    const headers = { 'content-type': 'application/webhook+json' };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    expect((await service.request('/callbacks/livekit', init)).status).toBe(204);
  };
  const joined = (identity: string, parts: object = {}) => {
    const joinedAtMs = BigInt(clock.now());
    return participant(identity, { joinedAtMs, ...parts });
  };
  const find = async (identity: string) => (await service.request(`/v1/participants/${identity}?scope=r-1`)).json;
  const summary = async () => (await service.request('/v1/reconciliation')).json.items[0];
  const passUntil = (observe: () => Promise<void>) =>
    eventually(async () => {
      clock.advance(STEP_MS);
      await observe();
    });

  it('adds a participant whose join was not received, with the join, its time and the room', async () => {
    const atMs = clock.now();
    rooms.rooms = { 'r-1': [joined('ann')] };
    await passUntil(async () => expect(await find('ann')).toMatchObject({ state: 'connected' }));
    expect(await find('ann')).toMatchObject({
      scope: 'r-1',
      tag: 'r-1',
      since: new Date(atMs).toISOString(),
      devices: [{ deviceId: 'PA_ann', connectedAt: new Date(atMs).toISOString() }],
    });
    await passUntil(async () => expect((await summary()).corrections).toEqual({ added: 1, removed: 0 }));
  });

  it('removes a participant whose leave was not received, once it is not found either', async () => {
    await webhook('participant_joined', 'ann');
    await webhook('participant_joined', 'bob');
    rooms.rooms = { 'r-1': [joined('bob')] };
    await passUntil(async () => expect(await find('ann')).toMatchObject({ state: 'gone', cause: 'reconciled' }));
    expect(rooms.calls).toContain('GetParticipant');
    expect(await find('bob')).toMatchObject({ state: 'connected' });
  });

  it('replaces a join by the one that is listed', async () => {
    await webhook('participant_joined', 'ann');
    clock.advance(1_000);
    rooms.rooms = { 'r-1': [joined('ann', { sid: 'PA_second' })] };
    await passUntil(async () =>
      expect((await find('ann')).devices).toMatchObject([
        { deviceId: 'PA_second', state: 'connected' },
        { deviceId: 'PA_ann', state: 'gone' },
      ]),
    );
    expect(await find('ann')).toMatchObject({ state: 'connected' });
  });

  it('removes nobody while a room cannot be listed', async () => {
    await webhook('participant_joined', 'ann');
    rooms.fault = { status: 503, body: '{"code":"unavailable"}' };
    await passUntil(async () => expect((await summary()).failures).toBeGreaterThan(1));
    expect(await summary()).toMatchObject({ lastPoll: { outcome: 'failed', reason: 'answered with status 503' } });
    expect(await find('ann')).toMatchObject({ state: 'connected' });
  });
});
