import { between } from '../random.js';
import { LifeStory, type Scenario } from './scenario.js';

/** Within any usual grace period. */
const OUTAGE_MS = [3_000, 9_000] as const;
/** In a run of which this part is shorter than the outage, the outage is shorter in proportion: it has to end before anybody leaves. */
const OUTAGE_SHARE = 0.3;

/** Two of three participants are in one region; in the middle of the run its network is gone for some seconds. */
export const massDrop: Scenario = {
  name: 'mass-drop',
  summary: 'a region loses its network in one moment, and nearly all of it comes back at once',
  live(participant, { durationMs, arrivalMs }, random) {
    const isInRegion = participant % 3 !== 0;
    const dropMs = durationMs * 0.5 + random() * Math.min(200, durationMs * 0.02);
    const isLost = isInRegion && random() < 0.05;
    const endMs = isLost ? dropMs : durationMs * between(random, 0.85, 1);
    const story = new LifeStory(random() * Math.min(arrivalMs, durationMs * 0.45), endMs);
    const pace = Math.min(1, (durationMs * OUTAGE_SHARE) / OUTAGE_MS[1]);
    if (isInRegion && !isLost) story.until(dropMs).blip(between(random, ...OUTAGE_MS) * pace);
    return { tag: isInRegion ? 'region-east' : 'region-west', steps: story.end(isLost ? 'lose' : 'leave') };
  },
};
