// The metrics of real processes: on a port of their own, summed over workers, and while Redis is unavailable.
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { ServiceProcess } from './process.js';
import { scrape } from './scrape.js';
import { SEED } from './service.js';

const ACCEPTED = 'rollcall_callbacks_total{source="bandwidth",outcome="accepted"}';
const SPOOLED = 'rollcall_callbacks_total{source="bandwidth",outcome="spooled"}';

/** On a connection of its own, which the primary passes to the next worker. Resolves with the status. */
async function sendCallback(service: ServiceProcess, n: number): Promise<number> {
  const response = await fetch(`${service.url}/callbacks/bandwidth`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ ...SEED, participantId: `p${n}` }),
  });
  return response.status;
}

/** Its worker waits for the body while it stops. */
const UNFINISHED =
  'POST /callbacks/bandwidth HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{';

async function statusOf(url: string, agent: Agent): Promise<number | undefined> {
  const sent = request(url, { agent });
  sent.end();
  const [response] = await once(sent, 'response');
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

const metricsUrlOf = (service: ServiceProcess) => /metrics are at (http:\S+\/metrics)/.exec(service.output)?.[1] ?? '';

describe('the metrics of a process', () => {
  let redis: RedisServer;
  let service: ServiceProcess;
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.stop());
  afterEach(() => service.end('SIGKILL'));

  const start = async (settings: Record<string, string>) => {
    const REDIS_PREFIX = `metrics-${Math.random()}`;
    service = await ServiceProcess.start({ REDIS_URL: redis.url, REDIS_PREFIX, ...settings });
  };

  it('are served on METRICS_PORT instead of PORT, without a key, until the process ends', async () => {
    await start({ METRICS_PORT: '0', API_KEYS: `ops:metrics:${'0'.repeat(64)}` });
    expect(service.output).toMatch(/listens on .*; metrics are at http:\/\/127\.0\.0\.1:\d+\/metrics"/);
    const url = metricsUrlOf(service);
    expect((await scrape(url)).get(ACCEPTED)).toBe(0);
    const answers = await Promise.all([
      fetch(`${service.url}/metrics`),
      fetch(url.replace('/metrics', '/v1/participants')),
      fetch(url, { method: 'POST' }),
      fetch(`${url}?any=thing`),
      fetch(url, { method: 'HEAD' }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 405, 200, 200]);
    expect(await service.end('SIGTERM')).toBe(0);
  });

  it('say which setting is wrong if the port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    await start({ METRICS_PORT: String(port) });
    expect(await service.ended).toBe(1);
    expect(service.output).toContain(`METRICS_PORT ${port} is in use on 127.0.0.1`);
    expect(service.output).toContain('set METRICS_PORT to another one');
    other.close();
  });

  it('are the sum over all workers, and counters do not fall when a worker dies', async () => {
    await start({ WORKERS: '2', METRICS_PORT: '0', LOG_LEVEL: 'debug' });
    const statuses = await Promise.all(Array.from({ length: 40 }, (_, n) => sendCallback(service, n)));
    expect(new Set(statuses)).toEqual(new Set([204]));
    const url = metricsUrlOf(service);
    // Whichever worker answers.
    for (let n = 0; n < 4; n += 1) {
      const series = await scrape(url, { headers: { connection: 'close' } });
      expect(series.get(ACCEPTED)).toBe(40);
      expect(series.get('rollcall_commits_total')).toBe(40);
      expect(series.get('rollcall_participants{source="bandwidth",state="connected"}')).toBe(40);
      expect(series.get('rollcall_workers')).toBe(2);
    }
    const answering = [...service.output.matchAll(/"worker":(\d+).*"answered"/g)].map(([, pid]) => Number(pid));
    expect(new Set(answering).size).toBe(2);
    process.kill(answering[0] as number, 'SIGKILL');
    await eventually(() => expect(service.output).toContain('a worker has died'));
    expect((await scrape(url, { headers: { connection: 'close' } })).get(ACCEPTED)).toBe(40);
    await eventually(() => expect(service.output.match(/worker is listening/g)).toHaveLength(3));
    expect(await sendCallback(service, 41)).toBe(204);
    expect((await scrape(url, { headers: { connection: 'close' } })).get(ACCEPTED)).toBe(41);
  });

  it('do not disturb workers that finish their requests after the main process was killed', async () => {
    await start({ WORKERS: '2', METRICS_PORT: '0', LOG_LEVEL: 'debug' });
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const { port } = new URL(service.url);
    const uploads = Array.from({ length: 4 }, () => connect(Number(port), '127.0.0.1'));
    for (const upload of uploads) upload.on('error', () => {}).write(UNFINISHED);
    const scrapeAll = () => Promise.allSettled(uploads.map(() => statusOf(metricsUrlOf(service), agent)));
    expect(await scrapeAll()).toEqual(uploads.map(() => ({ status: 'fulfilled', value: 200 })));
    const [, primary] = /"primary":(\d+).*"worker is listening/.exec(service.output) ?? [];
    process.kill(Number(primary), 'SIGKILL');
    await eventually(() => expect(service.output.match(/"Rollcall is stopping/g)).toHaveLength(2));
    expect(await scrapeAll()).toContainEqual({ status: 'fulfilled', value: 200 });
    for (const upload of uploads) upload.destroy();
    await service.ended;
    agent.destroy();
    expect(service.output).not.toContain('Rollcall has failed');
    expect(service.output.match(/"Rollcall has stopped/g)).toHaveLength(2);
  });

  it('show what is known while Redis is unavailable, and that it is', async () => {
    await start({ METRICS_PORT: '0' });
    const url = metricsUrlOf(service);
    expect(await sendCallback(service, 1)).toBe(204);
    const reconnects = (await scrape(url)).get('rollcall_store_reconnects_total');
    await redis.kill();
    await eventually(async () => expect(await sendCallback(service, 2)).toBe(202));
    await eventually(async () => {
      const series = await scrape(url);
      expect(series.get('rollcall_component_up{component="store"}')).toBe(0);
      expect(series.get('rollcall_ready')).toBe(1);
      expect(series.get('rollcall_spool_events')).toBeGreaterThan(0);
      expect(series.get('rollcall_spool_bytes')).toBeGreaterThan(0);
      expect(series.get('rollcall_spool_max_bytes')).toBe(64 * 1024 * 1024);
      expect(series.get(SPOOLED)).toBeGreaterThan(0);
      expect(series.get('rollcall_store_errors_total{operation="load"}')).toBeGreaterThan(0);
      // A number that is not known is not shown, rather than an old one.
      expect([...series.keys()].filter((name) => name.startsWith('rollcall_participants'))).toEqual([]);
    });
    await redis.restart();
    await eventually(async () => {
      const series = await scrape(url);
      expect(series.get('rollcall_component_up{component="store"}')).toBe(1);
      expect(series.get('rollcall_spool_events')).toBe(0);
      expect(series.get('rollcall_store_reconnects_total')).toBeGreaterThan(reconnects as number);
    });
  });
});
