import { between } from '../random.js';
import { LifeStory, type Scenario } from './scenario.js';

const SHIFTS = 3;
const QUEUES = 8;
/** The share of a shift by which consecutive shifts overlap. */
const HANDOVER = 0.03;

/** Agents sign in at the start of their shift and out at its end, nearly all at once; their network is reliable. */
export const contactCenter: Scenario = {
  name: 'contact-center',
  summary: 'agents of three shifts sign in and out, nearly all at once; few lose their network',
  devicesAtOnce: 'one',
  live(participant, { durationMs, arrivalMs }, random) {
    const shift = participant % SHIFTS;
    const shiftMs = durationMs / SHIFTS;
    const startMs = shift * shiftMs * (1 - HANDOVER) + random() * Math.min(arrivalMs, shiftMs * 0.1);
    const endMs = Math.min(durationMs, (shift + 1) * shiftMs) - random() * shiftMs * 0.05;
    const story = new LifeStory(startMs, endMs);
    if (random() < 0.08 && story.hasTimeFor(shiftMs * 0.6 + 8_000)) {
      story.stay(between(random, 0.2, 0.6) * shiftMs).blip(between(random, 1_000, 6_000));
    }
    return { tag: `queue-${(participant % QUEUES) + 1}`, steps: story.end(random() < 0.97 ? 'leave' : 'lose') };
  },
};
