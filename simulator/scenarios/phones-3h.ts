import { between, exponential, type Random } from '../random.js';
import { LifeStory, type Scenario } from './scenario.js';

const DURATION_MS = 3 * 3_600_000;
/** Longer than any usual grace period, so that these participants count as gone. */
const LONG_AWAY_MS = [22_000, 40_000] as const;

/** Unlike in `flaky-mobile` there are calm minutes, in which nothing corrects what was lost in the tunnel before. */
export const phones3h: Scenario = {
  name: 'phones-3h',
  summary: 'phones with minutes of good network between tunnels, in which the network fails again and again',
  durationMs: DURATION_MS,
  devicesAtOnce: 'one',
  live(_, { durationMs }, random) {
    const minuteMs = 60_000 * (durationMs / DURATION_MS);
    const startMs = random() * 90 * minuteMs;
    const story = new LifeStory(startMs, startMs + between(random, 20, 80) * minuteMs);
    const calmMs = () => exponential(random, 8 * minuteMs);
    for (story.stay(calmMs()); story.hasTimeFor(120_000); story.stay(20_000 + calmMs())) passTunnel(story, random);
    return { tag: 'mobile', steps: story.end(random() < 0.6 ? 'leave' : 'lose') };
  },
};

/** The network fails up to eight times, briefly or for long, or the system kills the application. */
function passTunnel(story: LifeStory, random: Random): void {
  const failures = 1 + Math.floor(random() * 8);
  for (let n = 0; n < failures && story.hasTimeFor(60_000); n += 1) {
    const chance = random();
    if (chance < 0.8) story.blip(between(random, 1_000, 8_000));
    else if (chance < 0.9) story.restart(between(random, 2_000, 8_000));
    else story.blip(between(random, ...LONG_AWAY_MS));
    story.stay(between(random, 2_000, 12_000));
  }
}
