// npm run attack: starts a service on loopback and attacks it while honest callbacks are sent; fails if they are affected.
// docs/attacks.md explains the results.
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
  description: 'Attacks a service that it starts on loopback, and measures the effect on honest callbacks.',
  example: '--only unread-assets readiness --store sqlite',
})
  .option('--only <names...>', 'these attacks, of those below', attackNames)
  .addOption(new Option('--store <store>', 'one store (default: both)').choices(['sqlite', 'redis']))
  .option('--seconds <n>', `length of each attack, up to 600 (default: ${DEFAULT_SECONDS}, or more if needed)`, seconds)
  .option('--quick', `${QUICK_SECONDS} s each: only checks that everything works`)
  .option('--soak <minutes>', 'run all attacks in random order for this long, on one service per store', minutes)
  .option('--seed <text>', 'the same seed repeats the same attacks, in the same order', 'rollcall')
  .option('--out <file>', 'also write the table to a file, as JSON if its name ends with .json, else as Markdown')
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
