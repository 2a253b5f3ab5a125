// npm run accuracy -- <scenario> …: how often presence is right, of Rollcall and of what people write by hand, told the same.
// npm run accuracy -- all: every scenario at every level of chaos, written to docs/accuracy.md.
import { Command } from 'commander';
import { build, install } from '../scripts/prepare.mjs';

install();
build();
const options = await import('../dist/simulator/options.js');
const { measure } = await import('./accuracy/measure.mjs');
const { writeDocument } = await import('./accuracy/document.mjs');
const { rowsOf } = await import('./accuracy/rows.mjs');

const command = new Command('npm run accuracy --')
  .description('Plays a scenario against Rollcall and against a naive receiver, and scores both by the truth.')
  .argument('<scenario>', 'one of the simulator’s, or all: a table of all of them in docs/accuracy.md', (name) =>
    name === 'all' ? name : options.scenario(name),
  );
options.withChaosFlags(options.withRunFlags(command)).action(accuracy);

async function accuracy(scenario, flags) {
  const run = { ...options.stageOf(flags), seed: flags.seed };
  if (scenario === 'all') return writeDocument(run);
  const measured = await measure({ ...run, scenario }, options.chaosPolicyOf(flags));
  console.table(Object.fromEntries(rowsOf(measured)));
  console.log(measured.tally.describe(measured.behindMs));
}

await command.parseAsync();
