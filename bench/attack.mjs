// npm run attack: attacks a service of its own, on loopback, while honest callbacks come in, and fails if they are hurt.
// docs/attacks.md says how to read it.
import { InvalidArgumentError, Option } from 'commander';
import { build, install } from '../scripts/prepare.mjs';
import { ensurePrograms } from '../scripts/program.mjs';

install();
build();
const { newCommand, runCommand } = await import('../simulator/dist/command.js');
const { whole } = await import('../simulator/dist/option-values.js');
const { ATTACKS } = await import('./attack/attacks.mjs');
const { attackEach, soak } = await import('./attack/run.mjs');
const { writeReport } = await import('./attack/report.mjs');

const DEFAULT_SECONDS = 3;
const QUICK_SECONDS = 1;
const names = [...ATTACKS.values()].map(({ name, purpose }) => `  ${name.padEnd(20)}${purpose}`);
const command = newCommand({
  script: 'attack',
  description: 'Attacks a service that it starts on loopback, and measures what honest callbacks notice of it.',
  example: '--only unread-assets readiness --store sqlite',
})
  .option('--only <names...>', 'these attacks, of those below', attackNames)
  .addOption(new Option('--store <store>', 'one store (default: both)').choices(['sqlite', 'redis']))
  .option('--seconds <n>', `length of each attack, up to 600 (default: ${DEFAULT_SECONDS}, or as it needs)`, seconds)
  .option('--quick', `${QUICK_SECONDS} s each: whether all of it runs`)
  .option('--soak <minutes>', 'all attacks in turn for so long, on one service for each store', minutes)
  .option('--seed <text>', 'the same seed repeats the same attacks, in the same order', 'rollcall')
  .option('--out <file>', 'also write the table to a file, as Markdown or, ending with .json, as JSON')
  .addHelpText('after', `\nAttacks:\n${names.join('\n')}`)
  .action(attack);

async function attack({ only, store, seconds, quick, soak: soakMinutes, seed, out }) {
  const plan = {
    attacks: (only ?? [...ATTACKS.keys()]).map((name) => ATTACKS.get(name)),
    stores: store ? [store] : ['sqlite', 'redis'],
    secondsOf: (one) => seconds ?? (quick ? QUICK_SECONDS : Math.max(DEFAULT_SECONDS, one.seconds ?? 0)),
    seed,
  };
  if (plan.stores.includes('redis')) ensurePrograms('redis-server');
  const rounds = await (soakMinutes ? soak({ ...plan, minutes: soakMinutes }) : attackEach(plan));
  if (out) writeReport(out, rounds, seed);
  process.exit(rounds.every(({ failed }) => failed.length === 0) ? 0 : 1);
}

function attackNames(name, previous = []) {
  if (ATTACKS.has(name)) return [...previous, name];
  throw new InvalidArgumentError(`Attacks: ${[...ATTACKS.keys()].join(', ')}.`);
}

function seconds(text) {
  return whole(text, 1, 600);
}

function minutes(text) {
  return whole(text, 1, 600);
}

await runCommand(command);
