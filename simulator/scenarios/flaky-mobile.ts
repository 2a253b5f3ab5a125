import { between } from '../random.js';
import { LifeStory, type Scenario } from './scenario.js';

/** Longer than any usual grace period, so that these participants count as gone. */
const LONG_AWAY_MS = [22_000, 30_000] as const;

/** Phones on the move: the network fails and recovers, and occasionally the system kills the application. */
export const flakyMobile: Scenario = {
  name: 'flaky-mobile',
  summary: 'phones that lose their network again and again, briefly or for long, and restart',
  devicesAtOnce: 'one',
  live(_, { durationMs, arrivalMs }, random) {
    const story = new LifeStory(random() * arrivalMs, durationMs * between(random, 0.8, 1));
    for (
      story.stay(between(random, 1_000, 8_000));
      story.hasTimeFor(10_000);
      story.stay(between(random, 2_000, 12_000))
    ) {
      const chance = random();
      if (chance < 0.75) story.blip(between(random, 1_000, 8_000));
      else if (chance < 0.9) story.restart(between(random, 2_000, 8_000));
      else if (story.hasTimeFor(LONG_AWAY_MS[1])) story.blip(between(random, ...LONG_AWAY_MS));
    }
    return { tag: 'mobile', steps: story.end(random() < 0.6 ? 'leave' : 'lose') };
  },
};
