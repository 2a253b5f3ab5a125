import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RedisServer } from '../storage/redis/redis-server.js';
import { ServiceProcess } from './process.js';
import { SEED } from './service.js';

describe('the process', () => {
  let dataDir: string;
  let running: ServiceProcess[];
  let redis: RedisServer | undefined;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'rollcall-process-'));
    running = [];
  });
  afterEach(async () => {
    await Promise.all(running.map((one) => one.end('SIGKILL')));
    await redis?.stop();
    redis = undefined;
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function start(settings: Record<string, string> = {}): Promise<ServiceProcess> {
    const service = await ServiceProcess.start({ DATA_DIR: dataDir, ...settings });
    running.push(service);
    return service;
  }

  const stateOf = async (service: ServiceProcess) =>
    (await fetch(`${service.url}/v1/participants/${SEED.participantId}`)).json() as Promise<Record<string, unknown>>;

  async function npmStart(): Promise<ServiceProcess> {
    const service = await ServiceProcess.npmStart({ DATA_DIR: dataDir });
    running.push(service);
    return service;
  }

  it('started by npm start logs its address and its store in one line, and builds nothing again', async () => {
    const { output, url, store } = await npmStart();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(store).toBe(`SQLite at ${join(dataDir, 'rollcall.db')}`);
    expect(output.split('\n').filter((line) => line.startsWith('{'))).toHaveLength(1);
    expect(output).not.toMatch(/Installing|Building/);
    expect(output).toContain(
      '; without API_KEYS and CALLBACK_SECRETS, REST and callbacks are open to direct requests on localhost"',
    );
  });

  it('keeps acknowledged callbacks in its file across kill -9', async () => {
    const first = await start();
    for (let n = 0; n < 50; n += 1) {
      expect((await first.post('/callbacks/bandwidth', { ...SEED, participantId: `p${n}` })).status).toBe(204);
    }
    const last = first.post('/callbacks/bandwidth', SEED);
    expect((await last).status).toBe(204);
    await first.end('SIGKILL');
    const second = await start();
    expect(await stateOf(second)).toMatchObject({ state: 'connected', since: '2021-08-12T16:37:14.676Z' });
    expect(await (await fetch(`${second.url}/v1/occupancy`)).json()).toMatchObject({ connected: 51, devices: 51 });
    expect((await second.post('/callbacks/bandwidth', { ...SEED, event: 'onLeave' })).status).toBe(204);
    expect(await stateOf(second)).toMatchObject({ state: 'gone', cause: 'left' });
  });

  it('keeps acknowledged callbacks in Redis across kill -9 of both', async () => {
    redis = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
    const settings = { REDIS_URL: redis.url };
    const first = await start(settings);
    expect(first.store).toBe(`Redis at ${redis.url}`);
    expect(first.output).toContain('; history is off');
    expect((await first.post('/callbacks/bandwidth', SEED)).status).toBe(204);
    await redis.kill();
    await first.end('SIGKILL');
    await redis.restart();
    expect(await stateOf(await start(settings))).toMatchObject({ state: 'connected' });
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'exits cleanly on %s after answering the callback in flight',
    async (signal) => {
      const service = await start();
      const { port } = new URL(service.url);
      const socket = connect(Number(port), '127.0.0.1');
      const answer = received(socket);
      const body = JSON.stringify(SEED);
      const head = `POST /callbacks/bandwidth HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
      socket.write(head + body.slice(0, 10));
      await fetch(`${service.url}/health/live`);
      const ended = service.end(signal);
      socket.write(body.slice(10));
      expect(await ended).toBe(0);
      expect(await answer).toMatch(/^HTTP\/1\.1 204/);
      expect(service.output).toContain('Rollcall has stopped');
      expect(await stateOf(await start())).toMatchObject({ state: 'connected' });
    },
  );

  it('exits cleanly when only npm receives the signal', async () => {
    const service = await npmStart();
    await service.endMain('SIGTERM');
    expect(service.output).toContain('Rollcall has stopped');
  });

  it('keeps serving after its log output is closed, and exits cleanly', async () => {
    const service = await start();
    service.stopReading();
    expect((await service.post('/callbacks/bandwidth', SEED)).status).toBe(204);
    expect(await service.end('SIGTERM')).toBe(0);
    expect(await stateOf(await start())).toMatchObject({ state: 'connected' });
  });

  it('rejects invalid settings, and names each without its value', async () => {
    const service = await start({
      PORT: 'secret-port',
      GRACE_MS: '-1',
      REDIS_URL: 'http://:hunter2@x',
      RETENTION_MS: '1000',
    });
    expect(await service.end('SIGTERM')).toBe(1);
    for (const name of ['PORT', 'GRACE_MS', 'REDIS_URL', 'RETENTION_MS']) {
      expect(service.output).toContain(`configuration error: ${name} must be`);
    }
    expect(service.output).not.toMatch(/secret|hunter2/);
  });

  it.each([
    ['/abc', 'configuration error: REDIS_URL must end after the port, or with the number of a database, like /0'],
    ['/99', ' has no database 99'],
  ])('rejects a Redis URL with %s in one line, without a stack trace', async (path, reason) => {
    redis = await RedisServer.start();
    const service = await start({ REDIS_URL: redis.url.replace('//', '//:hunter2@') + path });
    // The default user accepts any password.
    expect(await service.end('SIGTERM')).toBe(1);
    const lines = service.output.split('\n').filter((line) => line.startsWith('{'));
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: 60, time: expect.any(String), msg: expect.stringContaining(reason) },
    ]);
    expect(service.output).not.toMatch(/hunter2|listens|\bat .*:\d+:\d+/);
  });

  it('rejects credentials that cannot be decoded, and an empty REDIS_URL', async () => {
    for (const REDIS_URL of ['redis://:ab%zzhunter2@127.0.0.1', '']) {
      const service = await start({ REDIS_URL });
      expect(await service.end('SIGTERM')).toBe(1);
      expect(service.output).toMatch(/configuration error: REDIS_URL must (have percent-encoded|not be empty)/);
      expect(service.output).not.toMatch(/hunter2|listens|\bat .*:\d+:\d+/);
    }
  });

  it('warns about a variable that looks like a setting', async () => {
    const { output, url } = await start({ GRACE_SECONDS: '31337' });
    expect(url).not.toBe('');
    expect(output.match(/GRACE_SECONDS is not a setting of Rollcall and has no effect/g)).toHaveLength(1);
    expect(output).not.toContain('31337');
  });

  it('refuses to start with a data folder that another process uses, and explains why', async () => {
    const first = await start();
    const second = await start();
    expect(await second.end('SIGTERM')).toBe(1);
    expect(second.output).toContain('another process has ');
    expect((await fetch(`${first.url}/health/ready`)).status).toBe(200);
  });
});

function received(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  return new Promise((resolve) => socket.once('close', () => resolve(text)));
}
