// WORKERS=2: one address served by several processes, which are identified by the pid in their log lines.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { closeOnce } from '../leftovers.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { ServiceProcess } from './process.js';
import { SEED } from './service.js';

/** Sends a request on a new connection, which the primary passes to the next worker. Resolves with the status. */
async function send(service: ServiceProcess, path: string, body?: object): Promise<number | undefined> {
  const headers = { 'content-type': 'application/json', connection: 'close' };
  const sent = request(service.url + path, { method: body ? 'POST' : 'GET', headers, agent: false });
  sent.end(body && JSON.stringify(body));
  const [response] = await once(sent, 'response');
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

const lines = (service: ServiceProcess) =>
  service.output.split('\n').flatMap((line) => (line.startsWith('{') && line.endsWith('}') ? [JSON.parse(line)] : []));

/** The pids of the workers that have answered requests, in the order of their first responses. */
const answering = (service: ServiceProcess): number[] => [
  ...new Set(lines(service).flatMap(({ msg, worker }) => (msg === 'answered' ? [worker] : []))),
];

describe('a service with two workers', () => {
  let redis: RedisServer;
  let running: ServiceProcess[];
  beforeAll(async () => {
    redis = await RedisServer.start('--appendonly', 'yes');
  });
  afterAll(() => redis.stop());
  beforeEach(() => {
    running = [];
  });
  afterEach(async () => {
    await Promise.all(running.map((one) => one.end('SIGKILL')));
  });

  async function start(settings: Record<string, string> = {}): Promise<ServiceProcess> {
    const REDIS_PREFIX = `workers-${Math.random()}`;
    const service = await ServiceProcess.start({ WORKERS: '2', REDIS_URL: redis.url, REDIS_PREFIX, ...settings });
    running.push(service);
    return service;
  }

  /** Starts the service, and returns it with the pids of both workers once both have answered. */
  async function startAndFind(): Promise<{ service: ServiceProcess; pids: number[] }> {
    const service = await start({ LOG_LEVEL: 'debug' });
    for (let n = 0; n < 4; n += 1) expect(await send(service, '/health/live')).toBe(200);
    await eventually(() => expect(answering(service)).toHaveLength(2));
    return { service, pids: answering(service) };
  }

  it('logs its address once, and both workers serve requests there', async () => {
    const quiet = await start();
    expect(quiet.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(quiet.store).toBe(`Redis at ${redis.url}`);
    expect(lines(quiet).map(({ msg }) => msg)).toEqual([expect.stringMatching(/^Rollcall listens on .*; with 2 work/)]);
    const { service } = await startAndFind();
    const sent = Array.from({ length: 40 }, (_, n) => ({ ...SEED, participantId: `p${n}` }));
    const statuses = await Promise.all(sent.map((one) => send(service, '/callbacks/bandwidth', one)));
    expect(new Set(statuses)).toEqual(new Set([204]));
    for (let n = 0; n < 4; n += 1) {
      const response = await fetch(`${service.url}/v1/occupancy`, { headers: { connection: 'close' } });
      expect(await response.json()).toMatchObject({ connected: 40 });
    }
    await eventually(() => {
      const handled = lines(service).filter(({ route }) => route?.startsWith('/callbacks/'));
      expect(handled).toHaveLength(40);
      expect(new Set(handled.map(({ worker }) => worker)).size).toBe(2);
    });
  });

  it('replaces a worker that dies, and keeps answering meanwhile', async () => {
    const { service, pids } = await startAndFind();
    const [killed = 0, other = 0] = pids;
    process.kill(killed, 'SIGKILL');
    await eventually(() => expect(service.output).toContain('a worker has died and will be replaced'));
    expect(lines(service)).toContainEqual(
      expect.objectContaining({ level: 50, worker: killed, signal: 'SIGKILL', waitMs: 1_000 }),
    );
    for (let n = 0; n < 5; n += 1) expect(await send(service, '/callbacks/bandwidth', SEED)).toBe(204);
    await eventually(async () => {
      expect(await send(service, '/health/ready')).toBe(200);
      expect(answering(service)).toHaveLength(3);
    });
    const [, , replacement = 0] = answering(service);
    expect([killed, other]).not.toContain(replacement);
    process.kill(replacement, 'SIGKILL');
    await eventually(() => expect(service.output).toContain('"waitMs":2000'));
    // Stopped while it waits to start a replacement.
    expect(await service.end('SIGTERM')).toBe(0);
    expect(service.output.match(/Rollcall has stopped/g)).toHaveLength(2);
  });

  it.each([
    ['all processes receive the signal, as from a terminal', (service: ServiceProcess) => service.end('SIGINT')],
    [
      'only the main process receives the signal, as from a supervisor',
      (service: ServiceProcess) => service.endMain('SIGTERM'),
    ],
  ])('answers requests in flight and stops all workers when %s', async (_, end) => {
    const { service } = await startAndFind();
    const body = JSON.stringify(SEED);
    const head = `POST /callbacks/bandwidth HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nexpect: 100-continue\r\n\r\n`;
    // Usually one connection for each worker.
    const clients = [0, 1].map(() => connect(Number(new URL(service.url).port), '127.0.0.1'));
    const answers = clients.map(() => '');
    for (const [n, client] of clients.entries()) {
      client.on('data', (text) => {
        answers[n] += String(text);
      });
      client.write(head);
    }
    const received = 'HTTP/1.1 100 Continue\r\n\r\n';
    await eventually(() => expect(answers).toEqual([received, received]));
    const ended = end(service);
    for (const client of clients) client.write(body);
    const code = await ended;
    const answered = expect.stringMatching(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 204/);
    expect(answers).toEqual([answered, answered]);
    expect(code).toBe(0);
    const logged = lines(service);
    const sinceSignal = logged.slice(logged.findIndex(({ msg }) => msg === 'Rollcall is stopping'));
    expect(sinceSignal.filter(({ level }) => level >= 50)).toEqual([]);
    expect(logged.filter(({ level, msg }) => level === 30 && msg === 'Rollcall has stopped')).toHaveLength(1);
    expect(logged.filter(({ msg }) => msg === 'Rollcall has stopped')).toHaveLength(3);
  });

  it('stops its workers when the main process is killed', async () => {
    const { service, pids } = await startAndFind();
    const [{ primary }] = lines(service).filter(({ msg }) => msg === 'worker is listening');
    process.kill(primary, 'SIGKILL');
    await service.ended;
    const stopped = lines(service).filter(({ msg }) => msg === 'Rollcall has stopped');
    expect(new Set(stopped.map(({ worker }) => worker))).toEqual(new Set(pids));
  });

  it('exits with 1 and reports why when its port is in use', async () => {
    const service = await start({ PORT: String(redis.port) });
    expect(await service.end('SIGTERM')).toBe(1);
    expect(service.output).toContain('EADDRINUSE');
    expect(service.output.match(/Rollcall cannot start/g)).toHaveLength(1);
    expect(service.output).not.toContain('replaced');
  });

  it('does not start on SQLite', async () => {
    const service = await start({ REDIS_URL: '' });
    expect(await service.end('SIGTERM')).toBe(1);
    expect(service.output).toContain('configuration error: WORKERS above 1 needs REDIS_URL');
  });
});

it('a worker that is asked for metrics before it has said that it listens has not started yet', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-workers-'));
  closeOnce(() => rmSync(folder, { recursive: true }));
  const [worker, primary] = [join(folder, 'worker.mjs'), join(folder, 'primary.mjs')];
  writeFileSync(
    worker,
    `process.on('message', ({ metricsRequest, metricsResponse }) => {
      if (metricsRequest !== undefined) process.send({ metricsResponse: metricsRequest, snapshots: [[]] });
      if (metricsResponse !== undefined) process.send(['it listens']);
    });
    process.send({ metricsRequest: 1 });`,
  );
  writeFileSync(
    primary,
    `import { Workers } from ${JSON.stringify(join(import.meta.dirname, '..', '..', 'dist', 'runtime', 'workers.js'))};
    const workers = new Workers({ info() {}, error() {}, fatal() {} }, 0);
    console.log(JSON.stringify(await workers.start(1, ${JSON.stringify(worker)})));
    workers.stop(0, 'SIGTERM');`,
  );
  const { stdout } = spawnSync(process.execPath, [primary], { encoding: 'utf8', timeout: 30_000 });
  expect(stdout.trim()).toBe('["it listens"]');
});
