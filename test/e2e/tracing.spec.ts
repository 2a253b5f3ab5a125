// The traces of the built program, as a collector receives them.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { digestOf } from '../../src/auth/secret.js';
import { eventually } from '../eventually.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { Collector, type ExportedSpan } from './collector.js';
import { ServiceProcess } from './process.js';
import { SEED } from './service.js';

const CALLBACK = 'POST /callbacks/bandwidth';
const FAST = { 'content-type': 'application/json' };
const ROUTED = { 'content-type': 'application/json; charset=utf-8' };
const NEVER_MS = '100000000';

const idsOf = ({ traceId, spanId }: ExportedSpan) => ({ traceId, spanId });

/** A request of a client that is traced, too. */
function traced(isSampled: boolean) {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-0${isSampled ? 1 : 0}` } };
}

describe('traces', () => {
  let dataDir: string;
  let collector: Collector;
  let service: ServiceProcess;
  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'rollcall-tracing-'));
    collector = await Collector.start();
  });
  afterEach(async () => {
    await service.end('SIGKILL');
    collector.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function start(settings: Record<string, string> = {}): Promise<void> {
    service = await ServiceProcess.start({
      DATA_DIR: dataDir,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '10',
      ...settings,
    });
    expect(service.url).not.toBe('');
  }

  async function send(path: string, headers: Record<string, string> = {}, body: object | string = SEED) {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return (await fetch(service.url + path, { method: 'POST', headers: { ...FAST, ...headers }, body: text })).status;
  }

  const linesOf = (message: string) =>
    service.output
      .split('\n')
      .flatMap((line) => (line.startsWith('{') && line.endsWith('}') ? [JSON.parse(line)] : []))
      .filter(({ msg }) => msg === message);

  async function theOnly(name: string): Promise<ExportedSpan> {
    await eventually(() => expect(collector.named(name)).toHaveLength(1));
    return collector.named(name)[0] as ExportedSpan;
  }

  it.each([
    ['the fast path', FAST],
    ['the route', ROUTED],
  ])('contain a callback that takes %s, its batch, and the load and the commit of the batch', async (_, headers) => {
    await start();
    expect(await send('/callbacks/bandwidth', headers)).toBe(204);
    const request = await theOnly(CALLBACK);
    const batch = await theOnly('batch');
    expect(request).toMatchObject({ kind: 2, status: 0, links: [] });
    expect(request.parentSpanId).toBeUndefined();
    expect(request.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/callbacks/bandwidth',
      'http.response.status_code': 204,
      'network.protocol.version': '1.1',
      'url.scheme': 'http',
    });
    expect(batch).toMatchObject({ traceId: request.traceId, parentSpanId: request.spanId, kind: 1 });
    expect(batch.links).toEqual([idsOf(request)]);
    expect(batch.attributes).toEqual({ 'rollcall.batch.participants': 1, 'rollcall.batch.updates': 1 });
    for (const operation of [await theOnly('load'), await theOnly('commit')]) {
      expect(operation).toMatchObject({ traceId: request.traceId, parentSpanId: batch.spanId, kind: 3, status: 0 });
      expect(operation.attributes).toEqual({ 'db.system.name': 'sqlite' });
    }
  });

  it('link each batch with the requests of all callbacks in it', async () => {
    await start();
    let sent = 0;
    // On a busy machine, callbacks that are sent together may be received one by one.
    await eventually(async () => {
      const bodies = Array.from({ length: 20 }, () => ({ ...SEED, participantId: `p${sent++}` }));
      const statuses = await Promise.all(bodies.map((body) => send('/callbacks/bandwidth', {}, body)));
      expect(new Set(statuses)).toEqual(new Set([204]));
      expect(collector.named('batch').some(({ links }) => links.length > 1)).toBe(true);
    });
    await eventually(() => {
      expect(collector.named(CALLBACK)).toHaveLength(sent);
      expect(collector.named('batch').flatMap(({ links }) => links)).toHaveLength(sent);
    });
    const requests = new Map(collector.named(CALLBACK).map((request) => [request.spanId, request]));
    const batches = collector.named('batch');
    for (const batch of batches) {
      const [parent, ...others] = batch.links.map(({ spanId }) => requests.get(spanId) as ExportedSpan);
      for (const { spanId } of batch.links) requests.delete(spanId);
      expect(batch).toMatchObject({ parentSpanId: parent?.spanId, traceId: parent?.traceId });
      expect(batch.attributes).toMatchObject({ 'rollcall.batch.participants': batch.links.length });
      for (const other of others) expect(other.links).toEqual([idsOf(batch)]);
    }
    expect(requests.size).toBe(0);
  });

  it('contain reads and deliveries, by the pattern of the route', async () => {
    await start();
    const stopped = new AbortController();
    const stream = await fetch(`${service.url}/v1/changes/stream`, { signal: stopped.signal });
    expect(stream.status).toBe(200);
    // Changes: of the participant, and of its first device.
    await send('/callbacks/bandwidth');
    const delivery = await theOnly('deliver changes');
    expect(delivery.attributes).toEqual({ 'rollcall.delivery.changes': 2, 'rollcall.delivery.followers': 1 });
    stopped.abort();
    expect(await theOnly('GET /v1/changes/stream')).toMatchObject({ kind: 2 });
    await fetch(`${service.url}/v1/participants/${SEED.participantId}`);
    expect(await theOnly('GET /v1/participants/:participantId')).toMatchObject({
      attributes: { 'http.route': '/v1/participants/:participantId', 'http.response.status_code': 200 },
    });
    await fetch(`${service.url}/v1/unknown`);
    const { attributes } = await theOnly('GET');
    expect(attributes).toMatchObject({ 'http.response.status_code': 404, 'rollcall.refusal.reason': 'unknown-path' });
    expect(attributes).not.toHaveProperty('http.route');
  });

  it.each([
    ['http/json', 'application/json'],
    ['', 'application/x-protobuf'],
  ])('contain no secret, id, tag, path or body, over protocol "%s"', async (protocol, type) => {
    const hidden = {
      secret: 'a-callback-secret-of-at-least-32-characters',
      key: 'an-api-key-of-at-least-32-characters-',
      wrong: 'a-wrong-token',
      participantId: 'the-participant',
      deviceId: 'the-device',
      tag: 'the-tag',
      path: 'the-path',
      body: 'the-body',
    };
    const { secret, key, wrong, participantId, deviceId, tag, path, body } = hidden;
    await start({
      CALLBACK_SECRETS: secret,
      API_KEYS: `admin:read+admin:${digestOf(key).toString('hex')}`,
      PUBLIC_URL: 'https://rollcall.example.com',
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_BSP_SCHEDULE_DELAY: NEVER_MS,
    });
    const authorization = `Bearer ${key}`;
    const get = async (url: string) => (await fetch(service.url + url, { headers: { authorization } })).status;
    const minted = await fetch(`${service.url}/v1/callback-urls`, {
      method: 'POST',
      headers: { ...FAST, authorization },
      body: JSON.stringify({ source: 'bandwidth', tag }),
    });
    const { callbackUrl } = (await minted.json()) as { callbackUrl: string };
    const token = callbackUrl.slice(callbackUrl.lastIndexOf('/') + 1);
    const event = { ...SEED, participantId, deviceId, tag };
    for (const headers of [FAST, ROUTED]) {
      const to = (segment: string, sent: object | string = event) =>
        send(`/callbacks/bandwidth/${segment}`, headers, sent);
      expect([await to(secret), await to(token), await to(wrong), await to(`${secret}?a=${wrong}`)]).toEqual([
        204, 204, 404, 204,
      ]);
      expect(await to(secret, { ...event, event: body })).toBe(202);
      expect(await to(secret, `{"${body}`)).toBe(400);
      const basic = { authorization: `Basic ${btoa(`any:${secret}`)}` };
      expect(await send('/callbacks/bandwidth', { ...headers, ...basic }, event)).toBe(204);
    }
    expect(await get(`/v1/participants/${participantId}?scope=${path}`)).toBe(404);
    expect(await get(`/v1/participants?tag=${tag}`)).toBe(200);
    expect(await get(`/${path}/${participantId}`)).toBe(404);
    // Exports everything that is left.
    await service.end('SIGTERM');
    const exported = collector.exports.map(({ body: bytes }) => bytes.toString('latin1')).join();
    expect(collector.exports[0]?.headers['content-type']).toBe(type);
    expect(exported.split('POST /callbacks/bandwidth/:token')).toHaveLength(13);
    expect(exported).toContain('GET /v1/participants/:participantId');
    for (const text of [...Object.values(hidden), token]) expect(exported).not.toContain(text);
  });

  it('continue those of clients, and log lines of requests refer to them', async () => {
    await start({ LOG_LEVEL: 'debug' });
    const client = traced(true);
    expect(await send('/callbacks/bandwidth', { ...client.headers, ...FAST }, 'none')).toBe(400);
    const request = await theOnly(CALLBACK);
    expect(request).toMatchObject({ traceId: client.traceId, parentSpanId: client.spanId, status: 0 });
    expect(request.attributes).toMatchObject({
      'http.response.status_code': 400,
      'rollcall.refusal.reason': 'malformed-body',
    });
    const ids = { trace_id: client.traceId, span_id: request.spanId };
    await eventually(() => expect(linesOf('answered')).toMatchObject([ids]));
    expect(linesOf('callback refused')).toMatchObject([ids]);
    const reader = traced(true);
    await fetch(`${service.url}/v1/occupancy`, reader);
    const read = await theOnly('GET /v1/occupancy');
    expect(read).toMatchObject({ traceId: reader.traceId, parentSpanId: reader.spanId });
    await eventually(() =>
      expect(linesOf('answered')).toMatchObject([ids, { trace_id: reader.traceId, span_id: read.spanId }]),
    );
  });

  it('leave out what the client does not record, but for the trace id in the log', async () => {
    await start({ LOG_LEVEL: 'debug' });
    const [left, kept] = [traced(false), traced(true)];
    expect(await send('/callbacks/bandwidth', left.headers)).toBe(204);
    expect(await send('/callbacks/bandwidth', kept.headers)).toBe(204);
    expect((await theOnly('batch')).traceId).toBe(kept.traceId);
    await service.end('SIGTERM');
    expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(new Set([kept.traceId]));
    expect(linesOf('answered').map(({ trace_id }) => trace_id)).toEqual([left.traceId, kept.traceId]);
  });

  it('show that the store failed', async () => {
    const redis = await RedisServer.start();
    await start({ REDIS_URL: redis.url, SPOOL_MAX_BYTES: '0' });
    await redis.stop();
    expect(await send('/callbacks/bandwidth')).toBe(503);
    expect(await theOnly(CALLBACK)).toMatchObject({ status: 2, attributes: { 'error.type': '503' } });
    const error = { 'error.type': 'StoreUnavailableError', 'db.system.name': 'redis' };
    expect(await theOnly('load')).toMatchObject({ status: 2, attributes: error });
  });

  it('are exported by each worker', async () => {
    const redis = await RedisServer.start();
    const OTEL_RESOURCE_ATTRIBUTES = 'deployment.environment.name=test';
    await start({ REDIS_URL: redis.url, WORKERS: '2', OTEL_SERVICE_NAME: 'calls', OTEL_RESOURCE_ATTRIBUTES });
    // Each new connection goes to the next worker.
    for (let n = 0; n < 4; n += 1) await send('/callbacks/bandwidth', { connection: 'close' });
    await eventually(() => expect(collector.named(CALLBACK)).toHaveLength(4));
    const resources = collector.named(CALLBACK).map(({ resource }) => resource);
    expect(new Set(resources.map((resource) => resource['service.instance.id'])).size).toBe(2);
    for (const resource of resources) {
      expect(resource).toMatchObject({ 'service.name': 'calls', 'deployment.environment.name': 'test' });
      expect(resource['service.version']).toMatch(/^\d+\.\d+\.\d+/);
    }
    await service.end('SIGTERM');
    await redis.stop();
  });

  it('that are left are exported when the service stops', async () => {
    await start({ OTEL_BSP_SCHEDULE_DELAY: NEVER_MS });
    expect(await send('/callbacks/bandwidth')).toBe(204);
    expect(collector.exports).toHaveLength(0);
    expect(await service.end('SIGTERM')).toBe(0);
    expect(new Set(collector.spans.map(({ name }) => name))).toEqual(new Set([CALLBACK, 'batch', 'load', 'commit']));
  });

  it.each([
    ['refuses the last ones', 400, NEVER_MS],
    ['does not answer', undefined, '10'],
  ])('do not keep the service from answering or stopping when the collector %s', async (_, status, delayMs) => {
    collector.status = status;
    await start({ OTEL_EXPORTER_OTLP_TIMEOUT: NEVER_MS, OTEL_BSP_SCHEDULE_DELAY: delayMs });
    expect(await send('/callbacks/bandwidth')).toBe(204);
    if (status === undefined) await eventually(() => expect(collector.exports).toHaveLength(1));
    expect(await send('/callbacks/bandwidth')).toBe(204);
    expect(await service.end('SIGTERM')).toBe(0);
    expect(linesOf('Rollcall has stopped')).toHaveLength(1);
  });

  it('that cannot be exported are reported once, and again when they can', async () => {
    await start();
    const sendAndExport = async (status: number) => {
      collector.status = status;
      const { length } = collector.exports;
      expect(await send('/callbacks/bandwidth')).toBe(204);
      await eventually(() => expect(collector.exports.length).toBeGreaterThan(length));
    };
    for (let n = 0; n < 3; n += 1) await sendAndExport(401);
    await sendAndExport(200);
    await eventually(() => expect(linesOf('traces are exported again')).toHaveLength(1));
    await service.end('SIGTERM');
    expect(linesOf('traces cannot be exported; their spans are dropped')).toMatchObject([{ level: 40, reason: 401 }]);
  });

  it.each([
    ['no variable asks for traces', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false],
    ['they are disabled', { OTEL_SDK_DISABLED: 'true' }, false],
    ['a variable asks for traces', {}, true],
  ])('load OpenTelemetry or not if %s', async (_, settings, isLoaded) => {
    await start({ NODE_DEBUG: 'module', ...settings });
    expect(await send('/callbacks/bandwidth')).toBe(204);
    await service.end('SIGTERM');
    // Node.js 24 does not always name modules that are imported, but those that they require.
    expect(service.output).toContain('/node_modules/libsql/');
    expect(service.output.includes('/node_modules/@opentelemetry/')).toBe(isLoaded);
    expect(collector.exports.length > 0).toBe(isLoaded);
  });
});
