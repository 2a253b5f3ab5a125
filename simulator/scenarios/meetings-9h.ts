import { between, exponential } from '../random.js';
import { LifeStory, type Scenario } from './scenario.js';

const DURATION_MS = 9 * 3_600_000;
const ROOM_SIZE = 20;

/** Like `meeting` at the pace of real life. In a run of another length, stays are longer or shorter accordingly. */
export const meetings9h: Scenario = {
  name: 'meetings-9h',
  summary: 'meetings of 10 to 60 min over a working day; some lose their network or reload the page',
  durationMs: DURATION_MS,
  devicesAtOnce: 'one',
  live(participant, { durationMs }, random) {
    const minuteMs = 60_000 * (durationMs / DURATION_MS);
    const startMs = random() * 450 * minuteMs;
    const story = new LifeStory(startMs, startMs + between(random, 10, 60) * minuteMs);
    const untilNextMs = () => exponential(random, 20 * minuteMs);
    for (story.stay(untilNextMs()); story.hasTimeFor(30_000); story.stay(5_000 + untilNextMs())) {
      if (random() < 0.7) story.blip(between(random, 1_000, 8_000));
      else story.reload(between(random, 300, 1_500));
    }
    return {
      tag: `room-${Math.floor(participant / ROOM_SIZE) + 1}`,
      steps: story.end(random() < 0.9 ? 'leave' : 'lose'),
    };
  },
};
