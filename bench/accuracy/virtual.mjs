// One run in virtual time: both receivers get the same deliveries, and are judged by the exact integral of their answers.
import { DEFAULT_POLICY } from '../../dist/domain/policy.js';
import { scoreOf } from '../../simulator/dist/judge/score.js';
import { markedPeriods, spansOf } from '../../simulator/dist/judge/spans.js';
import { causeOf } from '../../simulator/dist/judge/unreported.js';
import { virtualRunOf } from '../../simulator/dist/virtual-run.js';
import { LIST_LAG_MS, listsOf, providerApi } from './provider-api.mjs';
import { naiveAnnouncements, rollcallAnnouncements } from './receivers.mjs';

/** The policy of a run. `settings`: overrides of the default. */
function policyOf({ devicesAtOnce }, settings = {}) {
  return { ...DEFAULT_POLICY, devicesAtOnce, ...settings };
}

/**
 * `timeline`: from `timelineOf`. `settings`: overrides of the policy, and `api` if the provider's API is asked when in doubt, and
 * for its list every `api.everyMs`. Returns the score of each receiver, and the causes of what Rollcall got wrong.
 */
export function runVirtually(timeline, chaos, settings = {}) {
  const { api, ...overrides } = settings;
  const policy = policyOf(timeline.run.scenario, { ...overrides, ...(api && { listLagMs: LIST_LAG_MS }) });
  const virtualRun = virtualRunOf(timeline, chaos, policy.graceMs);
  const { seed } = timeline.run;
  const lists = api && listsOf({ ...virtualRun, seed }, api.everyMs);
  const rollcall = virtualRun.participants.map((one, index) => {
    const sources = api ? providerApi(one, { lists, seed, index }, policy) : [];
    return rollcallAnnouncements(one, policy, virtualRun.untilMs, sources);
  });
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
