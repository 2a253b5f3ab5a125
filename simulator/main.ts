// npm run simulator: a local stand-in for the provider.
import { Option } from 'commander';
import { newCommand, runCommand } from './command.js';
import { PAGE_ACCOUNT } from './control/control.controller.js';
import { credentials, hosts, httpUrl, port, product, scenario, timeout } from './option-values.js';
import {
  type ChaosFlags,
  chaosPolicyOf,
  flag,
  type RetryFlags,
  type RunFlags,
  retryPolicyOf,
  stageOf,
  withChaosFlags,
  withRetryFlags,
  withRunFlags,
} from './options.js';
import { playForever } from './provider/scenario-traffic.js';
import type { Scenario } from './scenarios/scenario.js';
import { createSimulator } from './simulator.js';
import { stopSignal } from './stop-signal.js';
import type { Product } from './webhooks/webhook-format.js';

interface Flags extends ChaosFlags, RetryFlags, RunFlags {
  readonly host: string;
  readonly port: number;
  readonly credentials?: string;
  readonly account?: string;
  readonly pingInterval: number;
  readonly product: Product;
  readonly scenario?: Scenario;
  readonly callback?: string;
  readonly callbackHosts: readonly string[];
  readonly allowedHosts: readonly string[];
}

const RECEIVER = 'http://127.0.0.1:3000/callbacks/';
const ENDPOINT_LIFETIME_MS = 24 * 3_600_000;

const command = newCommand({
  script: 'simulator',
  description:
    'Stands in for the provider: its REST API, its signalling for browsers, its webhooks, and a control page.',
  example: '--scenario meeting --callback http://127.0.0.1:3000/callbacks/bandwidth',
})
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .addOption(flag('--port <n>', 'port to listen on; 0 for any free one', port, 3_001, '3001'))
  .option('--credentials <user:password>', 'the only credentials that the API accepts (default: any)', credentials)
  .option('--account <id>', 'the only account that the API accepts (default: any)')
  .addOption(
    flag(
      '--ping-interval <time>',
      'a client that does not answer a ping before the next is lost',
      timeout,
      10_000,
      '10s',
    ),
  )
  .addOption(
    new Option(
      '--allowed-hosts <names>',
      'additional host names to accept besides localhost, like simulator,dev.example.com',
    )
      .argParser(hosts)
      .default([], 'none'),
  )
  .addOption(
    new Option('--product <name>', 'whose participants a scenario and the control page create: bandwidth or brtc')
      .argParser(product)
      .default('bandwidth'),
  )
  .option('--scenario <name>', 'scenario to run in an endless loop, with the run options below', scenario)
  .option(
    '--callback <url>',
    'callback URL for the webhooks of that scenario, and the default on the control page (default: ' +
      `${RECEIVER}<product>)`,
    httpUrl,
  )
  .addOption(
    new Option(
      '--callback-hosts <names>',
      'additional hosts that webhooks may be sent to, besides loopback and that of --callback',
    )
      .argParser(hosts)
      .default([], 'none'),
  );
withRetryFlags(withChaosFlags(withRunFlags(command))).action(start);

async function start(flags: Flags): Promise<void> {
  const { host, port: requestedPort, credentials, account, pingInterval, seed, product } = flags;
  const callbackUrl = flags.callback ?? `${RECEIVER}${product}`;
  const stage = stageOf(flags, flags.scenario);
  const simulator = await createSimulator({
    chaos: chaosPolicyOf(flags),
    seed,
    retry: retryPolicyOf(flags),
    customer: { credentials, accountId: account },
    product,
    endpointLifetimeMs: ENDPOINT_LIFETIME_MS,
    callbackUrl,
    callbackHosts: flags.callbackHosts,
    allowedHosts: flags.allowedHosts,
    pingIntervalMs: pingInterval,
  });
  const url = await simulator.listen(requestedPort, host);
  console.log(`The simulator listens on ${url} (APIs at /v1 and /v2, signalling at /v3, control page at /)`);
  const stopping = stopSignal();
  stopping.addEventListener('abort', () => void simulator.close());
  if (!flags.scenario) return;
  const traffic = {
    scenario: flags.scenario,
    stage,
    seed,
    product,
    accountId: PAGE_ACCOUNT,
    callbackUrl,
  };
  await playForever(simulator.provider, traffic, stopping);
}

try {
  await runCommand(command);
} catch (error) {
  console.error(`The simulator cannot start: ${(error as Error).message}`);
  process.exit(1);
}
