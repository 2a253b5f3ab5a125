// npm run simulator: a stand-in for the provider on this machine.
import { Command, Option } from 'commander';
import { PAGE_ACCOUNT } from './control/control.controller.js';
import {
  type ChaosFlags,
  chaosPolicyOf,
  flag,
  httpUrl,
  port,
  type RetryFlags,
  type RunFlags,
  retryPolicyOf,
  scenario,
  stageOf,
  time,
  withChaosFlags,
  withRetryFlags,
  withRunFlags,
} from './options.js';
import { playForever } from './provider/scenario-traffic.js';
import type { Scenario } from './scenarios/scenario.js';
import { createSimulator } from './simulator.js';

interface Flags extends ChaosFlags, RetryFlags, RunFlags {
  readonly host: string;
  readonly port: number;
  readonly credentials?: string;
  readonly account?: string;
  readonly notice: number;
  readonly scenario?: Scenario;
  readonly callback: string;
}

const command = new Command('npm run simulator --')
  .description(
    'Is the provider: its REST API, its signalling socket for browsers, its webhooks, and a page to control it.',
  )
  .option('--host <address>', 'where it listens', '127.0.0.1')
  .addOption(flag('--port <n>', 'where it listens; 0 takes a free one', port, 3_001, '3001'))
  .option('--credentials <user:password>', 'the only ones that its API takes (default: any)')
  .option('--account <id>', 'the only one that its API knows (default: any)')
  .addOption(flag('--notice <time>', 'how long a dead socket may go unnoticed, about', time, 10_000, '10s'))
  .option('--scenario <name>', 'plays one over and over, with participants of its own', scenario)
  .addOption(
    new Option('--callback <url>', 'where the webhooks of that scenario go, and what the page proposes')
      .argParser(httpUrl)
      .default('http://127.0.0.1:3000/callbacks/bandwidth'),
  );
withRetryFlags(withChaosFlags(withRunFlags(command))).action(start);

async function start(flags: Flags): Promise<void> {
  const { host, port: wanted, credentials, account, notice, seed, callback } = flags;
  const simulator = await createSimulator({
    chaos: chaosPolicyOf(flags),
    seed,
    retry: retryPolicyOf(flags),
    customer: { credentials, accountId: account },
    callbackUrl: callback,
    noticeMs: notice,
  });
  const url = await simulator.listen(wanted, host);
  console.log(`The simulator listens on ${url} (API at /v1, signalling at /v3, a page at /)`);
  const stopping = new AbortController();
  // From a terminal it comes twice, the second time from npm.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort());
  stopping.signal.addEventListener('abort', () => void simulator.close());
  if (!flags.scenario) return;
  const traffic = {
    scenario: flags.scenario,
    stage: stageOf(flags),
    seed,
    accountId: PAGE_ACCOUNT,
    callbackUrl: callback,
  };
  await playForever(simulator.provider, traffic, stopping.signal);
}

try {
  await command.parseAsync();
} catch (error) {
  console.error(`The simulator cannot start: ${(error as Error).message}`);
  process.exit(1);
}
