// Redis becomes unavailable while the service runs, and comes back.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { SEED, type Service, startService } from './service.js';

describe('when Redis', () => {
  let server: RedisServer;
  let service: Service;
  beforeEach(async () => {
    server = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
    service = await startService({ redisUrl: server.url });
    await service.callback();
  });
  afterEach(async () => {
    server.freeze(false);
    await service.stop();
    await server.stop();
  });

  async function expectUnavailable(): Promise<void> {
    const answers = await Promise.all([
      service.callback({ event: 'onLeave' }),
      service.callback({ participantId: 'other' }),
      service.request('/v1/participants'),
      service.request(`/v1/participants/${SEED.participantId}`),
      service.post('/v1/participants/lookup', { participantIds: ['a'] }),
      service.request('/v1/occupancy'),
      service.request('/v1/tags'),
    ]);
    for (const { status, headers, json } of answers) {
      expect(status).toBe(503);
      expect(headers.get('retry-after')).toBe('1');
      expect(json.type).toBe('urn:rollcall:problem:store-unavailable');
      expect(JSON.stringify(json)).not.toMatch(/redis|ECONN|127\.0/i);
    }
    const ready = await service.request('/health/ready');
    expect(ready).toMatchObject({ status: 503, json: { type: 'urn:rollcall:problem:not-ready' } });
    expect(ready.json.detail).toContain('store');
    expect((await service.request('/health/live')).status).toBe(200);
  }

  async function expectRecovery(): Promise<void> {
    await eventually(async () => expect((await service.request('/health/ready')).status).toBe(200));
    expect((await service.callback({ event: 'onLeave' })).status).toBe(204);
    const { json } = await service.request(`/v1/participants/${SEED.participantId}`);
    expect(json).toMatchObject({ state: 'gone', cause: 'left' });
  }

  it('crashes, requests are answered with 503 and Retry-After, and acknowledged callbacks are kept', async () => {
    await server.kill();
    await expectUnavailable();
    await server.restart();
    await eventually(async () => expect((await service.request('/health/ready')).status).toBe(200));
    expect((await service.request(`/v1/participants/${SEED.participantId}`)).json.state).toBe('connected');
    await expectRecovery();
    const lines = service.logged.map(({ msg }) => msg);
    expect(lines.filter((line) => String(line).startsWith('cannot reach Redis at 127.0.0.1:'))).toHaveLength(1);
    expect(lines.filter((line) => String(line).endsWith('is available'))).toHaveLength(1);
  });

  it('hangs, requests are answered with 503 in time', async () => {
    server.freeze(true);
    await expectUnavailable();
    server.freeze(false);
    await expectRecovery();
  });
});

it('starts while Redis is unavailable, and becomes ready once Redis is available', async () => {
  const server = await RedisServer.start();
  await server.kill();
  const service = await startService({ redisUrl: server.url });
  expect((await service.callback()).status).toBe(503);
  await server.restart();
  await eventually(async () => expect((await service.callback()).status).toBe(204));
  await service.stop();
  await server.stop();
});
