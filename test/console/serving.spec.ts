// What is served at / and at the paths of the views.

import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { build } from '../../scripts/prepare.mjs';
import { ServiceProcess } from '../e2e/process.js';
import { type Service, startService } from '../e2e/service.js';

const PAGES = ['/', '/participants/a%2Fb', '/activity', '/history', '/webhooks', '/quarantine', '/system'];

describe('the files of the console', () => {
  let service: Service;
  beforeAll(async () => {
    build();
    service = await startService({ isConsoleOn: true });
  });
  afterAll(() => service.stop());

  const assets = async () => (await service.request('/')).text.match(/\/console\/[\w.-]+/g) ?? [];

  it('are one page at every path of a view, with a policy that allows only its own files', async () => {
    const [first, ...others] = await Promise.all(PAGES.map((path) => service.request(path)));
    expect(first?.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(first?.headers.get('content-security-policy')).not.toMatch(/unsafe|https?:|\*/);
    expect(first?.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(others.map(({ status, text }) => [status, text])).toEqual(others.map(() => [200, first?.text]));
    const etag = String(first?.headers.get('etag'));
    expect((await service.request('/', { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await service.request('/', { method: 'HEAD' })).status).toBe(200);
  });

  it('have names that change with their content, may be kept, and are small', async () => {
    const found = await assets();
    expect(found.map((name) => name.replace(/-\w+/, ''))).toEqual([
      '/console/icon.svg',
      '/console/app.css',
      '/console/app.js',
    ]);
    for (const path of found) {
      const { status, headers } = await service.request(path);
      expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
    }
    const script = await fetch(service.url + found[2], { headers: { 'accept-encoding': 'identity' } });
    const plain = Buffer.from(await script.arrayBuffer());
    expect(plain.toString()).not.toMatch(/https?:\/\/(?!backend\.example\.com|www\.w3\.org|127)/);
    const { app } = service;
    const zipped = await app.inject({ url: String(found[2]), headers: { 'accept-encoding': 'gzip' } });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(zipped.rawPayload.length).toBeLessThan(150 * 1024);
    expect(gunzipSync(zipped.rawPayload).equals(plain)).toBe(true);
    const brotli = await app.inject({ url: String(found[2]), headers: { 'accept-encoding': 'gzip, deflate, br' } });
    expect(brotli.headers['content-encoding']).toBe('br');
  });

  it.each([
    '/nowhere',
    '/participants',
    '/participants/a/b',
    '/console/',
    '/console/index.html',
    '/console/..%2fapp.js',
    '/v1',
  ])('are not at %s, which is answered 404', async (path) => {
    const { status, headers } = await service.request(path);
    expect([status, headers.get('content-type')]).toEqual([404, 'application/problem+json; charset=utf-8']);
  });

  it('leave a webhook that is sent to a page by mistake what it was: unknown, and logged as a callback', async () => {
    for (const path of ['/', '/webhooks']) expect((await service.post(path, {})).status).toBe(404);
    expect(service.refusals.totals()).toContainEqual({ kind: 'callback', reason: 'unknown-path', count: 2 });
  });

  it('are not served with CONSOLE=off', async () => {
    const off = await ServiceProcess.start({ CONSOLE: 'off', HISTORY: 'off' });
    for (const path of [...PAGES, ...(await assets())]) expect((await fetch(off.url + path)).status).toBe(404);
    await off.end('SIGTERM');
  });
});

describe('GET /v1/system', () => {
  it('says what the service is, and what the caller may do', async () => {
    const service = await startService({ history: 'embedded' });
    const before = await service.request('/v1/system');
    expect(before.json).toMatchObject({
      store: 'sqlite',
      history: true,
      sources: [{ name: 'bandwidth', dialect: 'bandwidth' }],
      access: { scopes: ['read', 'admin', 'metrics'] },
    });
    expect(before.json.sources[0].lastCallbackAt).toBeUndefined();
    await service.callback();
    const after = await service.request('/v1/system');
    expect(after.json.sources[0].lastCallbackAt).toEqual(expect.any(String));
    expect(after.json.feed).toMatchObject({ newestAt: expect.any(String), oldestAt: expect.any(String) });
    await service.stop();
  });
});
