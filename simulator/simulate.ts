// npm run simulate: runs a scenario against a callback URL. Sends the webhooks directly, without opening signalling
// connections, so the number of participants is not limited by sockets.
import { InvalidArgumentError } from 'commander';
import { runCallbacks, settlingMs } from './callback-run.js';
import { newCommand, runCommand } from './command.js';
import { httpUrl, scenario } from './option-values.js';
import {
  type ChaosFlags,
  chaosPolicyOf,
  type RetryFlags,
  type RunFlags,
  retryPolicyOf,
  stageOf,
  withChaosFlags,
  withRetryFlags,
  withRunFlags,
} from './options.js';
import { ProgressBar } from './progress-bar.js';
import type { Scenario } from './scenarios/scenario.js';
import { SCENARIOS } from './scenarios/scenarios.js';
import { stopSignal } from './stop-signal.js';

type Flags = ChaosFlags & RetryFlags & RunFlags & { readonly callback?: string };

const scenarios = [...SCENARIOS.values()].map(({ name, summary }) => `  ${name.padEnd(16)}${summary}`);
const command = newCommand({
  script: 'simulate',
  description: 'Runs a scenario: sends to a callback URL the webhooks that the provider would send.',
  example: 'meeting --participants 20 --seconds 10 --callback http://127.0.0.1:3000/callbacks/bandwidth',
})
  .argument('<scenario>', 'one of the scenarios below', scenario)
  .option('--callback <url>', 'URL to send the webhooks to (required); may include user:password@', httpUrl)
  .addHelpText('after', `\nScenarios:\n${scenarios.join('\n')}`);
withRetryFlags(withChaosFlags(withRunFlags(command))).action(simulate);

async function simulate(requested: Scenario, flags: Flags): Promise<void> {
  // Not declared as required: commander would then report the missing option instead of the misspelt one.
  if (flags.callback === undefined) throw new InvalidArgumentError("option '--callback <url>' is missing.");
  const stage = stageOf(flags, requested);
  const [chaos, retry] = [chaosPolicyOf(flags), retryPolicyOf(flags)];
  const interrupted = stopSignal();
  const seconds = (ms: number) => `${Math.ceil(ms / 1_000)} s`;
  console.log(
    `${requested.name}: running for ${seconds(stage.durationMs)}, then up to ${seconds(settlingMs(chaos, retry))} for the last webhooks and responses`,
  );
  const bar = new ProgressBar(stage.durationMs);
  const { tally, ...lag } = await runCallbacks({
    run: { scenario: requested, seed: flags.seed, ...stage },
    chaos,
    retry,
    callbackUrls: [flags.callback],
    signal: interrupted,
    onStep: (_, soFar) => bar.show(soFar),
  });
  bar.stop();
  console.log(tally.describe(lag));
  process.exitCode = tally.refused > 0 || interrupted.aborted ? 1 : 0;
}

await runCommand(command);
