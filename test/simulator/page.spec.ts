// The control page in a real browser: what a user clicks, and what Rollcall then answers.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { playForever } from '../../simulator/provider/scenario-traffic.js';
import type { Scenario } from '../../simulator/scenarios/scenario.js';
import { SCENARIOS } from '../../simulator/scenarios/scenarios.js';
import type { Simulator } from '../../simulator/simulator.js';
import { type Service, startService } from '../e2e/service.js';
import { eventually } from '../eventually.js';
import { Browser } from './browser.js';
import { PLAIN } from './settings.js';
import { startSimulator } from './start-simulator.js';

describe('the control page', () => {
  let service: Service;
  let simulator: Simulator;
  let url: string;
  let browser: Browser;

  const presence = async () => (await service.request('/v1/participants?state=connected,reconnecting,gone')).json.items;
  const expectPresence = (expected: unknown) =>
    eventually(async () => expect(await presence()).toMatchObject(expected as object));
  const click = (name: string) => browser.page.getByRole('button', { name, exact: true }).first().click();
  const control = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${url}/control${path}`, {
      method,
      ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  };

  beforeAll(async () => {
    browser = await Browser.start();
  });
  afterAll(() => browser.stop());
  beforeEach(async () => {
    service = await startService();
    ({ simulator, url } = await startSimulator(PLAIN));
  });
  afterEach(async () => {
    await browser.renewPage();
    await simulator.close();
    await service.stop();
  });

  it('connects, drops, reloads and ends devices, and shows the webhooks and responses', async () => {
    const { page } = browser;
    await page.goto(url);
    await page.getByLabel('callbackUrl').fill(`${service.url}/callbacks/bandwidth`);
    await page.getByLabel('tag').fill('<b>room</b>');
    await click('New participant');
    await click('connect');
    await expectPresence([{ state: 'connected', tag: '<b>room</b>', devices: [{ state: 'connected' }] }]);
    await click('drop');
    await expectPresence([{ state: 'reconnecting' }]);
    await click('connect');
    await expectPresence([{ state: 'connected' }]);
    await click('reload');
    await expectPresence([
      { state: 'connected', devices: expect.arrayContaining([expect.objectContaining({ cause: 'left' })]) },
    ]);
    await click('leave');
    await eventually(async () => expect(await page.getByText('onLeave').count()).toBe(2));
    await eventually(async () => expect(await page.getByText(/^204 in/).count()).toBe(8));
    await click('connect');
    await click('delete');
    await eventually(async () => expect(await page.getByText('(0)').count()).toBe(1));
    await eventually(async () => expect(await page.getByText(/^204 in/).count()).toBe(11));
  });

  it('shows errors', async () => {
    const { page } = browser;
    await page.goto(url);
    await page.getByLabel('callbackUrl').fill('nowhere');
    await click('New participant');
    await eventually(async () => expect(await page.getByRole('alert').textContent()).toContain('callbackUrl'));
  });

  it('cannot be used by a page of another origin', async () => {
    const { page } = browser;
    const target = `${url}/control/participants`;
    await page.evaluate(`fetch('${target}', { method: 'POST', mode: 'no-cors' })`);
    await page.setContent(`<form method="post" action="${target}"><button>send</button></form>`);
    await click('send');
    await eventually(async () => expect(await page.locator('body').textContent()).toContain('another origin'));
    expect(JSON.parse((await control('GET', '')).text)).toMatchObject({ total: 0 });
  });

  it('shows a scenario that runs repeatedly', async () => {
    const stopping = new AbortController();
    const played = playForever(
      simulator.provider,
      {
        scenario: SCENARIOS.get('meeting') as Scenario,
        stage: { participants: 5, durationMs: 4_000, arrivalMs: 400 },
        seed: 1,
        product: 'bandwidth',
        accountId: 'page',
        callbackUrl: `${service.url}/callbacks/bandwidth`,
      },
      stopping.signal,
    );
    await browser.page.goto(url);
    // Five participants arrive in the first round, and five others in the second one.
    await eventually(async () => expect((await presence()).length).toBeGreaterThan(5));
    await eventually(async () => expect(await browser.page.getByText('onLeave').count()).toBeGreaterThan(0));
    stopping.abort();
    await played;
    expect(simulator.provider.log.newest.flatMap(({ answers }) => answers).every(({ status }) => status === 204)).toBe(
      true,
    );
  });

  it.each([
    ['POST', '/participants/nobody/devices', undefined, 404],
    ['DELETE', '/participants/nobody', undefined, 404],
    ['POST', '/participants/nobody/devices/d', { action: 'leave' }, 404],
    ['POST', '/participants/nobody/devices/d', { action: 'dance' }, 400],
    ['POST', '/participants', { tag: 7 }, 400],
    ['GET', '/nothing', undefined, 404],
  ])('answers %s %s with the body %p with an error', async (method, path, body, status) => {
    const answer = await control(method, path, body);
    expect(answer).toEqual({ status, text: expect.stringContaining('"error"') });
  });
});
