// The matrix: every scenario at every level. A cell is one run of both receivers.
import { SCENARIOS } from '../../simulator/dist/scenarios/scenarios.js';
import { timelineOf } from '../../simulator/dist/virtual-run.js';
import { BASIC_LEVELS, CLOCK_LEVELS, MIXED_LEVELS } from './levels.mjs';
import { PROVIDERS } from './providers.mjs';
import { runVirtually } from './virtual.mjs';

/** Of scenarios without a length of their own. */
const SHORT_RUN_MS = 90_000;
/** Long scenarios have fewer participants: each has a longer life. */
const LONG_SHARE = 5;

const LEVELS = [...new Set([...BASIC_LEVELS, ...CLOCK_LEVELS, ...MIXED_LEVELS])];

/** Shows what it costs not to rely on one device at a time where participants have only one. */
export const MANY = { devicesAtOnce: 'many' };

/** Webhooks, and the provider's API: asked when in doubt, and for its list. */
export const WITH_API = [{ api: { everyMs: 60_000 } }, { api: { everyMs: 10_000 } }];

/** Of each provider: webhooks alone, and with its API. */
export const WITH_PROVIDER = PROVIDERS.map((provider) => ({
  provider,
  alone: { provider },
  withApi: WITH_API.map((settings) => ({ ...settings, provider })),
}));

/** 1 % lost, and no overlap: these providers do not allow a second device. */
export const PROVIDER_LEVEL = MIXED_LEVELS.find(({ chaos }) => chaos.lossShare === 0.01 && chaos.overlapShare === 0);

/** `participants`: of a short scenario. Returns the cells; `onScenario` is called before each scenario. */
export function runMatrix({ participants, seed }, onScenario) {
  return [...SCENARIOS.values()].flatMap((scenario) => {
    onScenario(scenario);
    const { durationMs = SHORT_RUN_MS } = scenario;
    const count = scenario.durationMs ? Math.max(20, Math.round(participants / LONG_SHARE)) : participants;
    const timeline = timelineOf({ scenario, seed, participants: count, durationMs, arrivalMs: durationMs / 3 });
    const cell = (level, settings) => {
      return { scenario, level, settings, participants: count, ...runVirtually(timeline, level.chaos, settings) };
    };
    const webhooks = LEVELS.map((level) => cell(level));
    const withApi = WITH_API.flatMap((settings) => BASIC_LEVELS.map((level) => cell(level, settings)));
    const many = scenario.devicesAtOnce === 'many' ? [] : BASIC_LEVELS.map((level) => cell(level, MANY));
    const ofProviders = WITH_PROVIDER.flatMap(({ alone, withApi: settings }) =>
      scenario.devicesAtOnce === 'many' ? [] : [alone, ...settings].map((one) => cell(PROVIDER_LEVEL, one)),
    );
    return [...webhooks, ...withApi, ...many, ...ofProviders];
  });
}
