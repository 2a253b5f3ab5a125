import { between } from '../random.js';
import { LifeStory, type Scenario } from './scenario.js';

/** Those who do come back do so within any usual grace. */
const BACK_AFTER_MS = [3_000, 9_000] as const;

/** Two of three participants are in one region; in the middle of the run its network is gone for some seconds. */
export const massDrop: Scenario = {
  name: 'mass-drop',
  summary: 'a region loses its network in one moment, and nearly all of it comes back at once',
  live(participant, { durationMs, arrivalMs }, random) {
    const isInRegion = participant % 3 !== 0;
    const dropMs = durationMs * 0.5 + random() * 200;
    const isLost = isInRegion && random() < 0.05;
    const endMs = isLost ? dropMs : durationMs * between(random, 0.85, 1);
    const story = new LifeStory(random() * Math.min(arrivalMs, durationMs * 0.45), endMs);
    if (isInRegion && !isLost) story.until(dropMs).blip(between(random, ...BACK_AFTER_MS));
    return { tag: isInRegion ? 'region-east' : 'region-west', steps: story.end(isLost ? 'lose' : 'leave') };
  },
};
