// Every view works, without a serious fault of accessibility, in both colour schemes, and without anything that the policy refuses.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { type Service, startService } from '../e2e/service.js';
import { eventually } from '../eventually.js';
import { closeOnce } from '../leftovers.js';
import { storedDeadLetter } from '../openapi/calls.js';
import { ConsolePage } from './console-page.js';

describe('the views of the console', () => {
  let view: ConsolePage;
  let service: Service;
  /** What the endpoint of webhooks answers. */
  let status = 200;
  const receiver = createServer((_, response) => response.writeHead(status).end('an answer'));

  beforeAll(async () => {
    view = await ConsolePage.start();
    service = await startService({ isConsoleOn: true, history: 'embedded' });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    closeOnce(() => receiver.close());
    const { port } = receiver.address() as AddressInfo;
    await service.post('/v1/webhooks/endpoints', { url: `http://127.0.0.1:${port}/presence`, tag: 'hall' });
    const timestamp = String(Date.now() - 60_000);
    for (const participantId of ['alice', 'bob']) {
      await service.callback({ participantId, deviceId: participantId, tag: 'hall', timestamp });
    }
    await service.callback({ event: 'onDisconnect', participantId: 'bob', deviceId: 'bob', tag: 'hall', timestamp });
    await service.callback({ event: 'onMute' });
  });
  afterAll(async () => {
    await view.stop();
    await service.stop();
    receiver.close();
  });
  afterEach(() => view.renew());

  const open = async (path: string) => {
    await view.page.goto(service.url + path);
    await view.expectConnection('live');
  };

  it.each([
    ['/', '.presence'],
    ['/participants/alice', '.timeline .bar'],
    ['/participants/nobody', '.empty'],
    ['/activity', '.empty'],
    ['/history', '.presence'],
    ['/webhooks', '.panel'],
    ['/quarantine', '.panel'],
    ['/system', '.line'],
  ])('%s is accessible, light and dark, on a phone and on a wide screen', async (path, part) => {
    const { page } = view;
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      for (const width of [390, 1_440]) {
        await page.setViewportSize({ width, height: 900 });
        await open(path);
        await eventually(async () => expect(await page.locator(part).count()).toBeGreaterThan(0));
        for (const expander of await page.locator('.expander').all()) await expander.click();
        expect(await view.faults()).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
        expect(await view.violations()).toEqual([]);
      }
    }
  });

  it('travels to a time at which somebody was there', async () => {
    await open('/history');
    await eventually(async () => expect(await view.rowOf('alice')).toContain('Connected'));
    await view.page.getByRole('slider').fill('0');
    await view.expectText('.empty', 'history begins then');
    await view.page.getByRole('slider').fill('720');
    await eventually(async () => expect(await view.rowOf('alice')).toContain('Connected'));
  });

  it('filters and pauses the activity', async () => {
    await open('/activity');
    await service.callback({ participantId: 'carol', deviceId: 'c', tag: 'alley', timestamp: String(Date.now()) });
    await view.expectText('.changes', /carol.*connected/);
    await view.page.getByRole('searchbox', { name: 'Tag' }).fill('hall');
    await view.expectText('.empty', 'No change matches');
    await view.page.getByRole('searchbox', { name: 'Tag' }).fill('');
    await view.page.getByRole('button', { name: 'Pause' }).click();
    const left = { event: 'onLeave', participantId: 'carol', deviceId: 'c', timestamp: String(Date.now()) };
    await service.callback(left);
    const resume = view.page.getByRole('button', { name: 'Resume' });
    await eventually(async () => expect(await resume.textContent()).toBe('Resume (2 new)'));
    expect(await view.page.locator('.changes').textContent()).not.toContain('gone');
    await resume.click();
    await view.expectText('.changes', /carol.*is gone/);
  });

  it('tests, replays and pauses an endpoint of webhooks, and shows its attempts', async () => {
    await open('/webhooks');
    await view.page.locator('.expander').click();
    await view.page.getByRole('button', { name: 'Send a test' }).click();
    await view.expectText('.done', 'answered with status 200');
    status = 500;
    await view.page.getByRole('button', { name: 'Send a test' }).click();
    await view.expectText('.fault', 'answered with status 500');
    status = 200;
    view.page.once('dialog', (dialog) => void dialog.accept());
    await view.page.getByRole('button', { name: 'Replay' }).click();
    await view.expectText('.done', 'delivered again');
    await view.expectText('.details', /participant.connected 200 an answer/);
    await view.page.getByRole('button', { name: 'Pause' }).click();
    await view.expectText('.pill:not([data-connection])', 'Paused');
    await view.expectText('.done', 'Missed changes are sent when it is enabled again');
  });

  it('sends a dead letter again, and no longer shows it once it is taken', async () => {
    const { id } = await storedDeadLetter(service);
    const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/dead`;
    const body = JSON.stringify({ url });
    const headers = { 'content-type': 'application/json' };
    await service.request(`/v1/webhooks/endpoints/${id}`, { method: 'PATCH', headers, body });
    await open('/webhooks');
    const panel = view.page.getByRole('region', { name: `Endpoint ${url}` });
    await panel.locator('.expander').click();
    const again = panel.getByRole('button', { name: 'Send again' });
    status = 422;
    await again.click();
    await view.expectText('.fault', 'answered with status 422');
    status = 200;
    await again.click();
    await view.expectText('.done', 'answered with status 200');
    await eventually(async () => expect(await panel.textContent()).toContain('None.'));
  });

  it('waits for an answer that takes longer than the time between two requests', async () => {
    const { page } = view;
    await page.clock.install();
    const requests: (() => Promise<void>)[] = [];
    const quarantine = (url: URL) => url.pathname === '/v1/quarantine';
    await page.route(quarantine, (route) => void requests.push(() => route.continue()));
    await page.goto(`${service.url}/quarantine`);
    await eventually(() => expect(requests).toHaveLength(1));
    await page.clock.runFor(11_000);
    await requests[0]?.();
    await view.expectText('.expander', 'This kind of event is not known');
    expect(requests).toHaveLength(1);
    await page.clock.runFor(5_000);
    await eventually(() => expect(requests).toHaveLength(2));
    await requests[1]?.();
    await page.unroute(quarantine);
  });

  it('shows why a callback is in quarantine, with its body, and says what came of a replay', async () => {
    await open('/quarantine');
    await view.page.locator('.expander').click();
    await view.expectText('.expander', 'This kind of event is not known');
    await view.expectText('pre', '"event": "onMute"');
    await view.page.locator('.details').getByRole('button', { name: 'Replay' }).click();
    await view.expectText('.fault', /.+/);
    view.page.once('dialog', (dialog) => void dialog.accept());
    await view.page.getByRole('button', { name: 'Replay all that match' }).click();
    await view.expectText('.fault', '0 replayed, 1 failed, 0 remaining.');
  });
});
