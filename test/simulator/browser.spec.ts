// End to end from a browser to REST: the provider's own SDK, the simulator's signalling and webhooks, and Rollcall.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Simulator } from '../../simulator/simulator.js';
import { type Service, startService } from '../e2e/service.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';
import { Browser } from './browser.js';
import { Network } from './network.js';
import { PLAIN } from './settings.js';
import { startSimulator } from './start-simulator.js';

const GRACE_MS = 15_000;

describe('a browser with the provider’s SDK', () => {
  let clock: ManualClock;
  let service: Service;
  let simulator: Simulator;
  let network: Network;
  let browser: Browser;
  let participantId: string;
  let token: string;

  const start = async (pingIntervalMs: number) => {
    clock = new ManualClock(Date.now());
    service = await startService({ clock, policy: { graceMs: GRACE_MS } });
    const started = await startSimulator({ ...PLAIN, pingIntervalMs });
    simulator = started.simulator;
    const { url } = started;
    network = await Network.to(Number(new URL(url).port));
    const response = await fetch(`${url}/v1/accounts/9903498/participants`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('user:password')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ callbackUrl: `${service.url}/callbacks/bandwidth`, tag: 'browsers' }),
    });
    const created = (await response.json()) as { participant: { id: string }; token: string };
    participantId = created.participant.id;
    token = created.token;
    await browser.open(token, `ws://127.0.0.1:${network.port}`);
  };
  const participant = async () => (await service.request(`/v1/participants/${participantId}`)).json;
  const expectPresence = (expected: Record<string, unknown>) =>
    eventually(async () => expect(await participant()).toMatchObject(expected));

  beforeEach(async () => {
    browser = await Browser.start();
  });
  afterEach(async () => {
    await browser.stop();
    network.stop();
    await simulator.close();
    await service.stop();
  });

  it('is connected, and gone after it leaves', async () => {
    await start(10_000);
    await expectPresence({ state: 'connected', tag: 'browsers', devices: [{ state: 'connected', interruptions: 0 }] });
    await browser.leave();
    await expectPresence({ state: 'gone', cause: 'left', devices: [{ state: 'gone', cause: 'left' }] });
    await eventually(() => expect(simulator.provider.log.newest.map(({ event }) => event.kind)).toHaveLength(3));
    const { event, answers } = simulator.provider.log.newest[0] ?? {};
    expect(event).toMatchObject({ kind: 'onDisconnect', participantId, tag: 'browsers' });
    await eventually(() => expect(answers).toMatchObject([{ status: 204 }]));
  });

  it('is connected as another device after a reload', async () => {
    await start(10_000);
    await expectPresence({ state: 'connected' });
    const [{ deviceId }] = (await participant()).devices;
    await browser.page.reload();
    await expectPresence({
      state: 'connected',
      devices: [{ state: 'connected' }, { deviceId, state: 'gone', cause: 'left' }],
    });
  });

  it('is reconnecting after it is killed, and gone with the cause `lost` after the grace period', async () => {
    await start(10_000);
    await expectPresence({ state: 'connected' });
    await browser.kill();
    await expectPresence({ state: 'reconnecting' });
    clock.advance(GRACE_MS);
    await expectPresence({ state: 'gone', cause: 'lost' });
  });

  it('reconnects as the same device when its network recovers', async () => {
    await start(1_000);
    await expectPresence({ state: 'connected' });
    const { since, devices } = await participant();
    network.cut();
    await expectPresence({ state: 'reconnecting' });
    network.mend();
    await expectPresence({ state: 'connected', since, devices: [{ deviceId: devices[0].deviceId, interruptions: 1 }] });
  });

  it('stays connected when it reconnects before its old socket is detected as dead', async () => {
    await start(2_000);
    await expectPresence({ state: 'connected' });
    const first = await participant();
    network.break();
    const kinds = () => simulator.provider.log.newest.map(({ event }) => event.kind).reverse();
    await eventually(() => expect(kinds()).toEqual(['onConnect', 'onConnect', 'onDisconnect']));
    await eventually(() =>
      expect(simulator.provider.log.newest.every(({ answers }) => answers.length === 1)).toBe(true),
    );
    const { state, since, devices } = await participant();
    expect({ state, since }).toEqual({ state: 'connected', since: first.since });
    expect(devices).toMatchObject([{ deviceId: first.devices[0].deviceId, state: 'connected' }]);
  });

  it('is gone after the provider deletes it', async () => {
    await start(10_000);
    await expectPresence({ state: 'connected' });
    simulator.provider.remove(simulator.provider.participants.get('9903498', participantId));
    await expectPresence({ state: 'gone', cause: 'left' });
  });
});
