import { between } from '../random.js';
import { LifeStory, type Scenario } from './scenario.js';

const DURATION_MS = 9 * 3_600_000;

/** Like `ghosts` at the pace of real life: what is never reported stays wrong for hours. */
export const ghosts9h: Scenario = {
  name: 'ghosts-9h',
  summary: 'one in twenty vanishes during a working day, and the provider never reports it',
  durationMs: DURATION_MS,
  devicesAtOnce: 'one',
  live(participant, { durationMs }, random) {
    const minuteMs = 60_000 * (durationMs / DURATION_MS);
    const startMs = random() * 450 * minuteMs;
    const story = new LifeStory(startMs, startMs + between(random, 10, 60) * minuteMs);
    if (story.hasTimeFor(5 * minuteMs + 10_000)) {
      story.stay(between(random, 1, 4) * minuteMs).blip(between(random, 1_000, 8_000));
    }
    return { tag: `room-${(participant % 10) + 1}`, steps: story.end(participant % 20 === 0 ? 'vanish' : 'leave') };
  },
};
