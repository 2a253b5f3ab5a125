import { between, exponential } from '../random.js';
import { LifeStory, type Scenario, type Step } from './scenario.js';

const DURATION_MS = 9 * 3_600_000;

/** The only scenario with devices that are connected at the same time. */
export const twoDevices9h: Scenario = {
  name: 'two-devices-9h',
  summary: 'everyone is on a laptop, and every second one also on a phone for part of the time',
  durationMs: DURATION_MS,
  devicesAtOnce: 'many',
  live(participant, { durationMs }, random) {
    const minuteMs = 60_000 * (durationMs / DURATION_MS);
    const startMs = random() * 420 * minuteMs;
    const endMs = startMs + between(random, 30, 90) * minuteMs;
    const laptop = new LifeStory(startMs, endMs);
    const untilNextMs = () => exponential(random, 20 * minuteMs);
    for (laptop.stay(untilNextMs()); laptop.hasTimeFor(30_000); laptop.stay(5_000 + untilNextMs())) {
      laptop.blip(between(random, 1_000, 8_000));
    }
    const steps: Step[] = [...laptop.end(random() < 0.9 ? 'leave' : 'lose')];
    if (participant % 2 === 1) {
      const fromMs = between(random, startMs, endMs);
      const phone = new LifeStory(fromMs, Math.min(fromMs + between(random, 5, 40) * minuteMs, durationMs));
      const phoneSteps = phone.end(random() < 0.9 ? 'leave' : 'lose');
      steps.push(...phoneSteps.map((step) => ({ ...step, device: 2 })));
    }
    return { tag: `room-${(participant % 10) + 1}`, steps: steps.toSorted((a, b) => a.atMs - b.atMs) };
  },
};
