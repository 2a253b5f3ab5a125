// What the console says when it cannot know: nothing that may be old is shown as live.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { parseApiKeys } from '../../src/auth/api-keys.js';
import { digestOf } from '../../src/auth/secret.js';
import { ServiceProcess } from '../e2e/process.js';
import { SEED, type Service, startService } from '../e2e/service.js';
import { eventually } from '../eventually.js';
import { freePort } from '../free-port.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { ConsolePage } from './console-page.js';

describe('the console', () => {
  let view: ConsolePage;
  const post = (service: ServiceProcess, parts: Record<string, unknown>) =>
    service.post('/callbacks/bandwidth', { ...SEED, timestamp: String(Date.now()), ...parts });
  const expectRow = (participantId: string, text: string | RegExp) =>
    eventually(async () => expect(await view.rowOf(participantId)).toMatch(text));

  beforeAll(async () => {
    view = await ConsolePage.start();
  });
  afterAll(() => view.stop());
  afterEach(() => view.renew());

  it('comes back by itself after a restart of the service, and knows what it has missed', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'rollcall-console-'));
    const settings = { PORT: String(await freePort()), DATA_DIR: dataDir };
    let service = await ServiceProcess.start(settings);
    await post(service, { participantId: 'alice' });
    await post(service, { participantId: 'bob', deviceId: 'b' });
    await view.page.goto(service.url);
    await view.expectConnection('live');
    await expectRow('bob', 'Connected');
    await service.end('SIGKILL');
    await view.expectConnection('interrupted');
    await view.expectText('.banner', /Not live.*as of/);
    expect(await view.page.locator('.presence.stale').count()).toBe(1);
    service = await ServiceProcess.start(settings);
    await post(service, { event: 'onLeave', participantId: 'bob', deviceId: 'b' });
    await view.expectConnection('live');
    await expectRow('bob', /^$/);
    await expectRow('alice', 'Connected');
    expect(await view.page.locator('.banner').count()).toBe(0);
    await service.end('SIGTERM');
    rmSync(dataDir, { recursive: true });
  });

  it('lists again if the feed has lost what it has missed', async () => {
    const port = String(await freePort());
    const [first, second] = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'rollcall-console-')));
    let service = await ServiceProcess.start({ PORT: port, DATA_DIR: String(first) });
    await post(service, { participantId: 'alice' });
    await view.page.goto(service.url);
    await expectRow('alice', 'Connected');
    await service.end('SIGKILL');
    await view.expectConnection('interrupted');
    service = await ServiceProcess.start({ PORT: port, DATA_DIR: String(second) });
    await post(service, { participantId: 'bob' });
    await view.expectConnection('live');
    await expectRow('bob', 'Connected');
    await expectRow('alice', /^$/);
    await service.end('SIGTERM');
    for (const dir of [first, second]) rmSync(String(dir), { recursive: true });
  });

  it('pauses, and says why, while the feed never has the position of the list', async () => {
    const service = await startService({ isConsoleOn: true });
    const changes = (url: URL) => url.pathname === '/v1/changes';
    await view.page.route(changes, (route) => route.fulfill({ status: 410, json: {} }));
    await view.page.goto(service.url);
    await view.expectText('.banner', 'no longer has the changes that were missed');
    await view.page.unroute(changes);
    await view.expectConnection('live');
    await service.stop();
  });

  it('says that Redis is unavailable', async () => {
    const redis = await RedisServer.start('--appendonly', 'yes');
    const service = await startService({ isConsoleOn: true, redisUrl: redis.url });
    const callback = () => service.callback({ participantId: 'alice', timestamp: String(Date.now()) });
    await eventually(async () => expect((await callback()).status).toBe(204));
    await view.page.goto(service.url);
    await view.expectConnection('live');
    await expectRow('alice', 'Connected');
    await redis.kill();
    await view.expectConnection('interrupted');
    await view.expectText('.banner', /store.*cannot be reached/);
    await redis.restart();
    await view.expectConnection('live');
    await expectRow('alice', 'Connected');
    await service.stop();
  });
});

describe('the console with API keys', () => {
  const KEYS = { reader: 'read', operator: 'read+admin', scraper: 'metrics' };
  const SECRET = 'x'.repeat(32);
  const keyOf = (name: string) => `a-key-of-the-${name}`;
  const entries = Object.entries(KEYS).map(
    ([name, scopes]) => `${name}:${scopes}:${digestOf(keyOf(name)).toString('hex')}`,
  );
  let view: ConsolePage;
  let service: Service;
  const signIn = async (key: string) => {
    await view.page.getByLabel('API key').fill(key);
    await view.page.getByRole('button', { name: 'Open' }).click();
  };
  const tabs = async () => view.page.getByRole('navigation').getByRole('link').allTextContents();

  beforeAll(async () => {
    view = await ConsolePage.start();
    const access = { apiKeys: parseApiKeys(entries.join()), callbackSecrets: [SECRET] };
    service = await startService({ isConsoleOn: true, history: 'embedded', access });
  });
  afterAll(async () => {
    await view.stop();
    await service.stop();
  });
  afterEach(() => view.renew());

  it('asks for a key, and says why one will not do', async () => {
    await view.page.goto(service.url);
    await signIn('wrong');
    await view.expectText('.fault', 'does not accept this key');
    await signIn(keyOf('scraper'));
    await view.expectText('.fault', 'scope read');
  });

  it('offers only what the key may do, and never puts it into a URL', async () => {
    const urls: string[] = [];
    view.page.on('request', (request) => urls.push(request.url()));
    await view.page.goto(service.url);
    await signIn(keyOf('reader'));
    await view.expectConnection('live');
    expect(await tabs()).toEqual(['Live', 'Activity', 'History', 'System']);
    await view.page.reload();
    await view.expectConnection('live');
    await view.page.getByRole('button', { name: 'Sign out' }).click();
    await signIn(keyOf('operator'));
    await view.expectConnection('live');
    expect(await tabs()).toEqual(['Live', 'Activity', 'History', 'Webhooks', 'Quarantine', 'System']);
    expect(urls.filter((url) => url.includes('a-key'))).toEqual([]);
    expect(await view.page.evaluate('JSON.stringify(localStorage) + document.cookie')).toBe('{}');
  });

  it('forgets everything when the key is no longer accepted', async () => {
    await view.page.goto(service.url);
    await signIn(keyOf('reader'));
    await view.expectConnection('live');
    await view.page.evaluate(`sessionStorage.setItem('rollcall.api-key', 'removed')`);
    await view.page.reload();
    await view.expectText('.fault', 'does not accept this key');
    expect(await view.page.evaluate('sessionStorage.length')).toBe(0);
  });

  it('shows nothing any more when its key is removed while it is open', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'rollcall-console-'));
    const settings = { PORT: String(await freePort()), DATA_DIR: dataDir, CALLBACK_SECRETS: SECRET };
    const [reader, operator] = entries as [string, string];
    let process = await ServiceProcess.start({ ...settings, API_KEYS: [reader, operator].join() });
    await view.page.goto(process.url);
    await signIn(keyOf('reader'));
    await view.expectConnection('live');
    await process.end('SIGTERM');
    process = await ServiceProcess.start({ ...settings, API_KEYS: operator });
    await view.expectText('.fault', 'no longer accepts this key');
    expect(await view.page.locator('.presence').count()).toBe(0);
    expect(await view.page.evaluate('sessionStorage.length')).toBe(0);
    await process.end('SIGTERM');
    rmSync(dataDir, { recursive: true });
  });
});
