import { between, exponential } from '../random.js';
import { LifeStory, type Scenario } from './scenario.js';

const DURATION_MS = 24 * 3_600_000;
const SHIFTS = 3;

/**
 * The lives are long and little happens in them, so a return that is not reported leaves a participant gone for an hour. A run
 * of another length has shifts of another length.
 */
export const shifts24h: Scenario = {
  name: 'shifts-24h',
  summary: 'three shifts of 8 h; an agent loses the network or reloads the page about every 2 h',
  durationMs: DURATION_MS,
  devicesAtOnce: 'one',
  live(participant, { durationMs }, random) {
    const minuteMs = 60_000 * (durationMs / DURATION_MS);
    const startMs = (participant % SHIFTS) * 474 * minuteMs + random() * 5 * minuteMs;
    const story = new LifeStory(startMs, Math.min(startMs + between(random, 470, 490) * minuteMs, durationMs));
    const untilNextMs = () => exponential(random, 120 * minuteMs);
    for (story.stay(untilNextMs()); story.hasTimeFor(60_000); story.stay(30_000 + untilNextMs())) {
      if (random() < 0.9) story.blip(between(random, 1_000, 8_000));
      else story.reload(between(random, 300, 1_500));
    }
    return { tag: `shift-${(participant % SHIFTS) + 1}`, steps: story.end(random() < 0.97 ? 'leave' : 'lose') };
  },
};
