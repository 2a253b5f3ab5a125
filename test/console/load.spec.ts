// Ten thousand participants, and two hundred changes a second: the page stays smooth, and its memory bounded. What counts is the
// processor time of the page's tasks: other tests may take the processor between two frames.
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ServiceProcess } from '../e2e/process.js';
import { eventually } from '../eventually.js';
import { lengthOf } from '../length.js';
import { ConsolePage } from './console-page.js';

const PARTICIPANTS = lengthOf(2_000, 10_000);
const SECONDS = lengthOf(4, 20);
const PER_SECOND = 200;
const TICK_MS = 50;
/** Of processor time. A frame and a click wait for one task at most. */
const MAX_TASK_MS = 100;
/** The activity keeps the newest changes, up to a limit. */
const MAX_GROWTH_BYTES = 8 * 1024 * 1024;

describe('the console with many participants', () => {
  let view: ConsolePage;
  let service: ServiceProcess;
  const send = (n: number, event: string) =>
    service.post('/callbacks/bandwidth', {
      event,
      timestamp: String(Date.now()),
      tag: `room-${n % 40}`,
      participantId: `participant-${n}`,
      deviceId: `device-${n}`,
    });

  beforeAll(async () => {
    view = await ConsolePage.start();
    service = await ServiceProcess.start({ HISTORY: 'off', CALLBACKS_PER_MINUTE_PER_URL: '0' });
    for (let n = 0; n < PARTICIPANTS; n += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, k) => send(n + k, 'onConnect')));
    }
  }, 300_000);
  afterAll(async () => {
    await view.stop();
    await service.end('SIGTERM');
  });

  it('is never busy for long, and keeps no more the longer it is open', async () => {
    const { page } = view;
    await page.goto(service.url);
    await view.expectConnection('live');
    await eventually(async () => expect(await page.locator('.tile dd').first().textContent()).toMatch(/\d/));
    const session = await page.context().newCDPSession(page);
    const heapBytes = async () => {
      await session.send('HeapProfiler.collectGarbage');
      return (await session.send('Runtime.getHeapUsage')).usedSize;
    };
    await change(2);
    const beforeBytes = await heapBytes();
    await page.evaluate(
      `frames = 0; requestAnimationFrame(function next() { frames += 1; requestAnimationFrame(next); })`,
    );
    await page.evaluate(`setInterval(() => scrollBy(0, 400), 250)`);
    const tasksMs = await view.taskTimes(() => change(SECONDS));
    const frames = await page.evaluate<number>('frames');
    const grownBytes = (await heapBytes()) - beforeBytes;
    expect(frames).toBeGreaterThan(SECONDS);
    expect(tasksMs.length).toBeGreaterThan(frames);
    expect(Math.max(...tasksMs)).toBeLessThan(MAX_TASK_MS);
    expect(grownBytes).toBeLessThan(MAX_GROWTH_BYTES);
  }, 300_000);

  /** Loses and returns, in turn. */
  async function change(seconds: number): Promise<void> {
    const perTick = (PER_SECOND * TICK_MS) / 1_000;
    for (let tick = 0; tick < (seconds * 1_000) / TICK_MS; tick += 1) {
      const round = Math.floor((tick * perTick) / PARTICIPANTS);
      const event = Math.floor(tick / 20) % 2 === 0 ? 'onDisconnect' : 'onConnect';
      const sent = Array.from({ length: perTick }, (_, k) =>
        send((((tick % 20) + 20 * round) * perTick + k) % PARTICIPANTS, event),
      );
      await Promise.all([wait(TICK_MS), ...sent]);
    }
  }
});
