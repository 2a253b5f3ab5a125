// The live view and the pages of participants: what callbacks do is seen, whatever they contain.
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { playForever } from '../../simulator/provider/scenario-traffic.js';
import type { Scenario } from '../../simulator/scenarios/scenario.js';
import { SCENARIOS } from '../../simulator/scenarios/scenarios.js';
import { type Service, startService } from '../e2e/service.js';
import { eventually } from '../eventually.js';
import { PLAIN } from '../simulator/settings.js';
import { startSimulator } from '../simulator/start-simulator.js';
import { ConsolePage } from './console-page.js';

describe('the console', () => {
  let view: ConsolePage;
  let service: Service;

  const send = async (event: string, parts: Record<string, unknown> = {}) => {
    const timestamp = String(Date.now());
    expect((await service.callback({ event, timestamp, participantId: 'alice', ...parts })).status).toBe(204);
  };
  /** In the page, as soon as it is so. */
  const expectRow = (participantId: string, text: string | RegExp) =>
    eventually(async () => expect(await view.rowOf(participantId)).toMatch(text));

  beforeAll(async () => {
    view = await ConsolePage.start();
  });
  afterAll(() => view.stop());
  afterEach(async () => {
    expect(await view.violations()).toEqual([]);
    await view.renew();
    await service.stop();
  });

  it('shows how to begin, then who comes, is lost, is back and leaves, and says so in words', async () => {
    service = await startService({ isConsoleOn: true, history: 'embedded' });
    const { page } = view;
    await page.goto(service.url);
    await view.expectConnection('live');
    await view.expectText('.empty', new RegExp(`No callback yet.*${service.url}/callbacks/bandwidth.*npm run demo`));
    await send('onConnect');
    await expectRow('alice', 'Connected');
    await send('onDisconnect');
    await expectRow('alice', 'Reconnecting');
    await send('onConnect');
    await expectRow('alice', /Connected.*1 interruption/);
    await page.getByRole('link', { name: 'alice' }).first().click();
    await view.expectText('h1', 'alice');
    await view.expectText(
      '.steps',
      /A connection begins.*The device is lost.*The device is back within the grace period/,
    );
    expect(await page.locator('.timeline .bar').count()).toBe(3);
    await send('onLeave');
    await view.expectText('.heading .state', 'Gone');
    await view.expectText('.facts', /Cause.*left/);
    await page.getByRole('link', { name: 'Live' }).click();
    await expectRow('alice', /^$/);
    await view.expectText('.changes', /alice.*is gone \(left\)/);
  });

  it('shows the meeting of the demo, live', async () => {
    service = await startService({ isConsoleOn: true, history: 'embedded' });
    const { simulator } = await startSimulator(PLAIN);
    await view.page.goto(service.url);
    await view.expectConnection('live');
    const stopping = new AbortController();
    const played = playForever(
      simulator.provider,
      {
        scenario: SCENARIOS.get('meeting') as Scenario,
        stage: { participants: 5, durationMs: 4_000, arrivalMs: 400 },
        seed: 1,
        product: 'bandwidth',
        accountId: 'demo',
        callbackUrl: `${service.url}/callbacks/bandwidth`,
      },
      stopping.signal,
    );
    await eventually(async () => expect(await view.page.locator('.rows .state').count()).toBe(5));
    await view.expectText('.group', 'room-1');
    await view.expectText('.changes', /is gone/);
    stopping.abort();
    await played;
    await simulator.close();
  });

  it('shows a change within a second of the answer to its callback', async () => {
    service = await startService({ isConsoleOn: true });
    await view.page.goto(service.url);
    await view.expectConnection('live');
    await send('onConnect');
    await expectRow('alice', 'Connected');
    for (const [event, text] of [
      ['onDisconnect', 'Reconnecting'],
      ['onConnect', 'Connected'],
      ['onLeave', ''],
    ] as const) {
      // The page notes when it is shown, so that the test may be slow to see it.
      const shownAtMs = view.page.evaluate<number>(`new Promise((resolve) => {
        const observer = new MutationObserver(() => {
          const row = document.querySelector('.rows .cell-state');
          if ((row?.textContent ?? '') !== '${text}') return;
          observer.disconnect();
          resolve(Date.now());
        });
        observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
      })`);
      await send(event);
      const answeredAtMs = Date.now();
      expect((await shownAtMs) - answeredAtMs).toBeLessThan(1_000);
    }
  });

  it('shows hostile tags and ids as text', async () => {
    service = await startService({ isConsoleOn: true });
    const { page } = view;
    const texts = [
      '<img src=x onerror="document.title=1"><script>document.title=1</script>',
      '\u202eright to left\u202c شخص',
      '😀'.repeat(64),
      'x'.repeat(256),
      '../../?a=1#b%2f%',
    ];
    for (const text of texts) await send('onConnect', { participantId: text, deviceId: text, tag: text });
    await page.goto(service.url);
    await view.expectConnection('live');
    for (const text of texts) {
      const link = page.getByRole('table').getByRole('link', { name: text, exact: true });
      await eventually(async () => expect(await link.count()).toBe(1));
      await link.click();
      await view.expectText('h1', /./);
      expect(await page.locator('h1').textContent()).toBe(text);
      expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      await page.reload();
      await eventually(async () => expect(await page.locator('h1').textContent()).toBe(text));
      await page.goto(service.url);
    }
    expect(await page.title()).toBe('Rollcall');
    expect(await page.locator('img, main script').count()).toBe(0);
  });

  it('finds, collapses and walks through the rows by keyboard', async () => {
    service = await startService({ isConsoleOn: true });
    for (const [participantId, tag] of [
      ['alice', 'hall'],
      ['bob', 'hall'],
      ['carol', 'alley'],
    ])
      await send('onConnect', { participantId, tag, deviceId: participantId });
    const { page } = view;
    await page.goto(service.url);
    await expectRow('carol', 'Connected');
    await page.getByRole('button', { name: 'alley' }).focus();
    for (const name of ['carol', undefined, 'alice']) {
      await page.keyboard.press('ArrowDown');
      if (name) expect(await page.evaluate('document.activeElement?.textContent')).toBe(name);
    }
    await page.getByRole('button', { name: 'hall' }).press('Enter');
    await expectRow('alice', /^$/);
    await page.getByRole('searchbox').fill('BOB');
    await expectRow('bob', 'Connected');
    await expectRow('carol', /^$/);
  });
});
