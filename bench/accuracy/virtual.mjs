// One run in virtual time: both receivers get the same deliveries, and are judged by the exact integral of their answers.
import { DEFAULT_POLICY } from '../../dist/domain/policy.js';
import { scoreOf } from '../../simulator/dist/judge/score.js';
import { markedPeriods, spansOf } from '../../simulator/dist/judge/spans.js';
import { causeOf } from '../../simulator/dist/judge/unreported.js';
import { virtualRunOf } from '../../simulator/dist/virtual-run.js';
import { naiveAnnouncements, rollcallAnnouncements } from './receivers.mjs';

/** The policy of a run. `settings`: overrides of the default. */
function policyOf({ devicesAtOnce }, settings = {}) {
  return { ...DEFAULT_POLICY, devicesAtOnce, ...settings };
}

/** `timeline`: from `timelineOf`. Returns the score of each receiver, and the causes of what Rollcall got wrong. */
export function runVirtually(timeline, chaos, settings) {
  const policy = policyOf(timeline.run.scenario, settings);
  const virtualRun = virtualRunOf(timeline, chaos, policy.graceMs);
  const rollcall = virtualRun.participants.map((one) => rollcallAnnouncements(one, policy, virtualRun.untilMs));
  const naive = virtualRun.participants.map((one) => naiveAnnouncements(one));
  const score = (announcements) =>
    scoreOf(
      virtualRun.truth,
      { announcements: announcements.flat(), untilMs: virtualRun.untilMs },
      virtualRun.allowance,
    );
  return { scores: { rollcall: score(rollcall), naive: score(naive) }, causes: causesOf(virtualRun, rollcall) };
}

/** Wrong participant-seconds by cause. Only causes that occur. */
function causesOf({ truth, participants, allowance, untilMs }, announcements) {
  const causes = {};
  for (const [index, { participantId, unreported }] of participants.entries()) {
    const spans = spansOf(truth.staysOf(participantId), allowance);
    for (const period of markedPeriods(spans, announcements[index], untilMs)) {
      if (period.mark === 'right' || period.mark === 'waiting') continue;
      const cause = causeOf(period, unreported);
      causes[cause] = (causes[cause] ?? 0) + (period.toMs - period.fromMs) / 1_000;
    }
  }
  return causes;
}
