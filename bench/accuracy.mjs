// npm run accuracy -- <scenario> …: how often presence is right, for Rollcall and a hand-written receiver with the same webhooks.
// npm run accuracy -- all: every scenario at every level of chaos, written to docs/accuracy.md.
import { build, install } from '../scripts/prepare.mjs';

install();
build();
const { newCommand, runCommand } = await import('../simulator/dist/command.js');
const options = await import('../simulator/dist/options.js');
const { scenario } = await import('../simulator/dist/option-values.js');
const { measure } = await import('./accuracy/measure.mjs');
const { writeDocument } = await import('./accuracy/document.mjs');
const { rowsOf } = await import('./accuracy/rows.mjs');

const command = newCommand({
  script: 'accuracy',
  description: 'Runs a scenario against Rollcall and a naive receiver, and scores both against the truth.',
  example: 'meeting --participants 20 --seconds 10 --loss 1%',
}).argument('<scenario>', 'one of the simulator’s scenarios, or all to write docs/accuracy.md', (name) =>
  name === 'all' ? name : scenario(name),
);
options.withChaosFlags(options.withRunFlags(command)).action(accuracy);

async function accuracy(requested, flags) {
  const run = { ...options.stageOf(flags), seed: flags.seed };
  if (requested === 'all') return writeDocument(run);
  const measured = await measure({ ...run, scenario: requested }, options.chaosPolicyOf(flags));
  console.table(Object.fromEntries(rowsOf(measured)));
  console.log(measured.tally.describe(measured));
}

await runCommand(command);
