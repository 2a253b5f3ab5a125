// One run in virtual time: both receivers get the same deliveries, and are judged by the exact integral of their answers.
import { DEFAULT_POLICY } from '../../dist/domain/policy.js';
import { scoreOf } from '../../simulator/dist/judge/score.js';
import { markedPeriods, spansOf } from '../../simulator/dist/judge/spans.js';
import { causeOf } from '../../simulator/dist/judge/unreported.js';
import { virtualRunOf } from '../../simulator/dist/virtual-run.js';
import { LIST_LAG_MS, listsOf, longestMistakeMs, providerApi, VANISHED_MS } from './provider-api.mjs';
import { SIMULATOR, withoutLeaves } from './providers.mjs';
import { naiveAnnouncements, rollcallAnnouncements } from './receivers.mjs';

/** The policy of a run. `settings`: overrides of the default. */
function policyOf({ devicesAtOnce }, settings = {}) {
  return { ...DEFAULT_POLICY, devicesAtOnce, ...settings };
}

/**
 * `timeline`: from `timelineOf`. `settings`: overrides of the policy, `api` if the provider's API is asked when in doubt, and
 * for its list every `api.everyMs`, and `provider` if it is another one than the simulator (providers.mjs). Returns the score of each
 * receiver, the causes of Rollcall's wrong answers, how long its oldest ghost lasted, and by how much its longest mistake exceeded
 * what the lists allow.
 */
export function runVirtually(timeline, chaos, settings = {}) {
  const { api, provider = SIMULATOR, ...overrides } = settings;
  const listLag = api && { listLagMs: LIST_LAG_MS };
  const policy = policyOf(timeline.run.scenario, { ...provider.policy, ...overrides, ...listLag });
  const told = provider === SIMULATOR ? timeline : withoutLeaves(timeline);
  const { truth, participants, allowance, startMs, untilMs } = virtualRunOf(told, chaos, policy.graceMs);
  const { seed } = timeline.run;
  const lists = api && listsOf({ startMs, untilMs, seed }, api.everyMs);
  const rollcall = participants.map((one, index) => {
    const others = api ? providerApi(one, { lists, seed, index, provider }, policy) : [];
    return rollcallAnnouncements(one, policy, untilMs, { provider, others });
  });
  const naive = participants.map((one) => naiveAnnouncements(one));
  const score = (announcements) => scoreOf(truth, { announcements: announcements.flat(), untilMs }, allowance);
  const mistakes = participants.flatMap(({ participantId, unreported }, index) => {
    const stays = truth.staysOf(participantId);
    const periods = markedPeriods(spansOf(stays, allowance), rollcall[index], untilMs).filter(isWrong);
    return periods.map((period) => ({
      ...period,
      cause: causeOf(period, unreported),
      endedAtMs: stays.findLast(({ end }) => end && end.atMs <= period.fromMs)?.end.atMs,
    }));
  });
  return {
    scores: { rollcall: score(rollcall), naive: score(naive) },
    causes: causesOf(mistakes),
    ghostMs: ghostMs(mistakes, allowance),
    ...(api && { longest: longest(mistakes, longestMistakeMs(lists, { startMs, untilMs }) + policy.graceMs) }),
  };
}

function isWrong({ mark }) {
  return mark !== 'right' && mark !== 'waiting';
}

/** Wrong participant-seconds by cause. Only causes that occur. */
function causesOf(mistakes) {
  const causes = {};
  for (const { cause, fromMs, toMs } of mistakes) causes[cause] = (causes[cause] ?? 0) + (toMs - fromMs) / 1_000;
  return causes;
}

/** The longest mistake and the limit, which is later for those who vanish: the provider itself does not know. */
function longest(mistakes, limitMs) {
  const lengthOf = ({ fromMs, toMs, cause }) => toMs - fromMs - (cause === 'vanished' ? VANISHED_MS : 0);
  return { ms: Math.max(0, ...mistakes.map(lengthOf)), limitMs };
}

/** How long, beyond the grace period and the delay allowed, a participant who did not vanish was present at most. */
function ghostMs(mistakes, { graceMs, deliveryMs }) {
  const ghosts = mistakes.filter(({ mark, cause }) => mark === 'wronglyConnected' && cause !== 'vanished');
  return Math.max(0, ...ghosts.map(({ endedAtMs, toMs }) => toMs - endedAtMs - graceMs - deliveryMs));
}
