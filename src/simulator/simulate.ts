// npm run simulate: plays a scenario against a callback URL, with as many participants as wanted and no sockets.
import { Command } from 'commander';
import { runCallbacks } from './callback-run.js';
import {
  type ChaosFlags,
  chaosPolicyOf,
  httpUrl,
  type RetryFlags,
  type RunFlags,
  retryPolicyOf,
  scenario,
  stageOf,
  withChaosFlags,
  withRetryFlags,
  withRunFlags,
} from './options.js';
import { ProgressBar } from './progress-bar.js';
import type { Scenario } from './scenarios/scenario.js';
import { SCENARIOS } from './scenarios/scenarios.js';

type Flags = ChaosFlags & RetryFlags & RunFlags & { readonly callback: string };

const scenarios = [...SCENARIOS.values()].map(({ name, summary }) => `  ${name.padEnd(16)}${summary}`);
const command = new Command('npm run simulate --')
  .description('Plays a scenario: sends the webhooks that a provider would send of it.')
  .argument('<scenario>', 'one of those below', scenario)
  .requiredOption('--callback <url>', 'where the webhooks go, with credentials if it asks for some', httpUrl)
  .addHelpText('after', `\nScenarios:\n${scenarios.join('\n')}`);
withRetryFlags(withChaosFlags(withRunFlags(command))).action(simulate);

async function simulate(played: Scenario, flags: Flags): Promise<void> {
  const stage = stageOf(flags);
  const interrupted = new AbortController();
  // From a terminal it comes twice, the second time from npm.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());
  const bar = new ProgressBar(stage.durationMs);
  const { tally, behindMs } = await runCallbacks({
    run: { scenario: played, seed: flags.seed, ...stage },
    chaos: chaosPolicyOf(flags),
    retry: retryPolicyOf(flags),
    callbackUrls: [flags.callback],
    signal: interrupted.signal,
    onCue: (_cue, _ids, soFar) => bar.show(soFar),
  });
  bar.stop();
  console.log(tally.describe(behindMs));
  process.exitCode = tally.refused > 0 || interrupted.signal.aborted ? 1 : 0;
}

await command.parseAsync();
