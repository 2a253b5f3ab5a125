import { between } from '../random.js';
import { LifeStory, type Scenario } from './scenario.js';

/** Within any usual grace period. */
const OUTAGE_MS = [3_000, 9_000] as const;
/** In short runs the outage is shortened to this share of the run, so that it ends before anyone leaves. */
const OUTAGE_SHARE = 0.3;

/** Two in three participants are in one region, whose network fails for some seconds in the middle of the run. */
export const massDrop: Scenario = {
  name: 'mass-drop',
  summary: 'a whole region loses its network, and nearly all of it reconnects at once',
  devicesAtOnce: 'one',
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
