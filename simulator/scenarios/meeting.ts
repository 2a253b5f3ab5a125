import { between } from '../random.js';
import { LifeStory, type Scenario } from './scenario.js';

const ROOM_SIZE = 20;

/** Rooms of up to twenty people, the maximum size of a session. */
export const meeting: Scenario = {
  name: 'meeting',
  summary: 'people join, lose their network for a moment, reload the page, and leave',
  devicesAtOnce: 'one',
  live(participant, { durationMs, arrivalMs }, random) {
    const endMs = durationMs * between(random, 0.7, 1);
    const story = new LifeStory(random() * arrivalMs, endMs);
    for (
      story.stay(between(random, 2_000, 20_000));
      story.hasTimeFor(12_000);
      story.stay(between(random, 5_000, 40_000))
    ) {
      const chance = random();
      if (chance < 0.3) story.blip(between(random, 1_000, 6_000));
      else if (chance < 0.45) story.reload(between(random, 300, 1_500));
    }
    return {
      tag: `room-${Math.floor(participant / ROOM_SIZE) + 1}`,
      steps: story.end(random() < 0.9 ? 'leave' : 'lose'),
    };
  },
};
