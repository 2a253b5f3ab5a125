// How the process reacts to signals, at any time.
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { closeOnce } from '../leftovers.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { ServiceProcess } from './process.js';
import { SEED } from './service.js';

const LONG_DELAY = { SHUTDOWN_DELAY_MS: '3600000' };

describe('the process', () => {
  let folder: string;
  let dataDir: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rollcall-signals-'));
    dataDir = join(folder, 'data');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function start(settings: Record<string, string> = {}): Promise<ServiceProcess> {
    const service = ServiceProcess.spawn({ DATA_DIR: dataDir, ...settings });
    await service.listensOrEnds();
    return service;
  }

  const readiness = async ({ url }: ServiceProcess) => {
    const response = await fetch(`${url}/health/ready`);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const untilNotReady = (service: ServiceProcess) =>
    eventually(async () => expect((await readiness(service)).status).toBe(503));

  it.each(['SIGINT', 'SIGTERM'])('exits with 0 on a %s before anything is loaded', async (signal) => {
    // Sent as soon as there is a handler; without one, a process with PID 1 would ignore the signal.
    const code = `process.on('newListener', (name) => name === '${signal}' && process.kill(process.pid, name))`;
    const command = [process.execPath, '--import', `data:text/javascript,${code}`];
    const service = ServiceProcess.spawn({ DATA_DIR: dataDir, ...LONG_DELAY }, { command });
    expect(await service.ended).toBe(0);
    expect(service.output).toContain('Rollcall has stopped');
    expect(service.output).not.toContain('Rollcall listens');
    expect(existsSync(dataDir)).toBe(false);
  });

  it('exits with 0 while it waits for a Redis that does not answer', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    closeOnce(() => silent.close());
    silent.on('connection', (socket) => closeOnce(() => socket.destroy()));
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const connected = once(silent, 'connection');
    const service = ServiceProcess.spawn({ REDIS_URL: `redis://127.0.0.1:${port}`, ...LONG_DELAY });
    await connected;
    expect(await service.end('SIGTERM')).toBe(0);
    expect(service.output).toContain('Rollcall has stopped');
    expect(service.output).not.toContain('Rollcall listens');
  });

  it('keeps serving after SIGTERM, even on new connections, while the readiness probe fails with the reason', async () => {
    const service = await start(LONG_DELAY);
    expect((await readiness(service)).status).toBe(200);
    service.signal('SIGTERM');
    await untilNotReady(service);
    expect((await readiness(service)).body).toMatchObject({
      type: 'urn:rollcall:problem:not-ready',
      detail: expect.stringContaining('stopping'),
    });
    expect((await fetch(`${service.url}/health/live`)).status).toBe(200);
    for (let n = 0; n < 3; n += 1) {
      const headers = { 'content-type': 'application/json', connection: 'close' };
      const response = await fetch(`${service.url}/callbacks/bandwidth`, {
        method: 'POST',
        headers,
        body: JSON.stringify(SEED),
      });
      expect(response.status).toBe(204);
    }
    expect(service.output).not.toContain('Rollcall has stopped');
    expect(await service.end('SIGINT')).toBe(0);
    expect(service.output.match(/Rollcall has stopped/g)).toHaveLength(1);
  });

  it('exits by itself after the delay', async () => {
    const service = await start({ SHUTDOWN_DELAY_MS: '1000' });
    service.signal('SIGTERM');
    expect(await service.ended).toBe(0);
    const timeOf = (line: string) =>
      Date.parse(new RegExp(`"time":"([^"]+)".*${line}`).exec(service.output)?.[1] ?? '');
    expect(timeOf('Rollcall has stopped') - timeOf('Rollcall is stopping')).toBeGreaterThanOrEqual(1_000);
  });

  it('keeps serving in all workers, and stops all of them on a second signal', async () => {
    const redis = await RedisServer.start('--appendonly', 'yes');
    const service = await start({ WORKERS: '2', REDIS_URL: redis.url, ...LONG_DELAY });
    service.signal('SIGTERM');
    await untilNotReady(service);
    const both = async () => [await readinessOnce(service), await readinessOnce(service)];
    await eventually(async () => expect(await both()).toEqual([503, 503]));
    service.signal('SIGINT');
    expect(await service.ended).toBe(0);
    expect(service.output).not.toMatch(/"level":(50|60)/);
    expect(service.output.match(/Rollcall has stopped/g)).toHaveLength(1);
  });

  it('reads .env in its working directory; environment variables take precedence', async () => {
    const elsewhere = join(folder, 'elsewhere');
    writeFileSync(join(folder, '.env'), `PORT=secret\nDATA_DIR=${elsewhere}\nGRACE_MS=1000\nLOG_LEVEL=nonsense\n`);
    const service = ServiceProcess.spawn({ LOG_LEVEL: 'info' }, { cwd: folder });
    await service.listensOrEnds();
    expect(service.store).toBe(`SQLite at ${join(elsewhere, 'rollcall.db')}`);
  });
});

/** Uses a new connection, which the next worker serves. */
async function readinessOnce({ url }: ServiceProcess): Promise<number> {
  return (await fetch(`${url}/health/ready`, { headers: { connection: 'close' } })).status;
}
