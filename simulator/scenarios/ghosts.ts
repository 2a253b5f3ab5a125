import { between } from '../random.js';
import { LifeStory, type Scenario } from './scenario.js';

/** One in five participants vanishes: neither a leave nor a loss is ever reported. */
export const ghosts: Scenario = {
  name: 'ghosts',
  summary: 'one in five vanishes, and the provider never reports it',
  devicesAtOnce: 'one',
  live(participant, { durationMs, arrivalMs }, random) {
    const endMs = durationMs * between(random, 0.5, 0.9);
    const story = new LifeStory(random() * Math.min(arrivalMs, durationMs * 0.4), endMs);
    if (random() < 0.2 && story.hasTimeFor(10_000)) story.stay(2_000).blip(between(random, 1_000, 6_000));
    return { tag: `room-${(participant % 10) + 1}`, steps: story.end(participant % 5 === 0 ? 'vanish' : 'leave') };
  },
};
