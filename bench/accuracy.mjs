// npm run accuracy -- <scenario> …: how often presence is right, for Rollcall and a hand-written receiver with the same webhooks.
// npm run accuracy -- all: the whole matrix, written to docs/accuracy.md.
import { build, install } from '../scripts/prepare.mjs';

install();
build();
const { InvalidArgumentError } = await import('commander');
const { newCommand, runCommand } = await import('../simulator/dist/command.js');
const options = await import('../simulator/dist/options.js');
const { scenario } = await import('../simulator/dist/option-values.js');
const { timelineOf } = await import('../simulator/dist/virtual-run.js');
const { writeDocument } = await import('./accuracy/document.mjs');
const { judgeGoals } = await import('./accuracy/goals.mjs');
const { runLive } = await import('./accuracy/live.mjs');
const { runMatrix } = await import('./accuracy/matrix.mjs');
const { describeCauses, rowsOf } = await import('./accuracy/rows.mjs');
const { runVirtually } = await import('./accuracy/virtual.mjs');

/** Of the short scenarios in the matrix. */
const MATRIX_PARTICIPANTS = 1_500;
const QUICK_PARTICIPANTS = 150;

const command = newCommand({
  script: 'accuracy',
  description: 'Runs a scenario against Rollcall and a naive receiver, and scores both against the truth.',
  example: 'meeting --participants 20 --seconds 10 --loss 1%',
})
  .argument('<scenario>', 'one of the simulator’s scenarios, or all to write docs/accuracy.md', (name) =>
    name === 'all' ? name : scenario(name),
  )
  .option('--live', 'run one scenario in real time, against the service as a process')
  .option('--quick', 'run all of them with few participants, and write nothing');
options.withChaosFlags(options.withRunFlags(command)).action(accuracy);

async function accuracy(requested, flags) {
  if (requested === 'all') return runAll(flags);
  if (flags.quick) throw new InvalidArgumentError("option '--quick' is for all scenarios.");
  const run = { ...options.stageOf(flags, requested), seed: flags.seed, scenario: requested };
  const chaos = options.chaosPolicyOf(flags);
  const settings = settingsOf(process.env);
  const { scores, ...outcome } = flags.live
    ? await runLive(run, chaos, settings)
    : runVirtually(timelineOf(run), chaos, settings);
  console.table(Object.fromEntries(rowsOf(scores)));
  if (outcome.tally) console.log(outcome.tally.describe(outcome));
  else console.log(`Causes of wrong answers: ${describeCauses({ scores, ...outcome }) || 'none'}`);
}

/** The service settings that a run accepts. */
function settingsOf({ OVERLAP_MS }) {
  if (!OVERLAP_MS) return {};
  if (/^\d+$/.test(OVERLAP_MS)) return { overlapMs: Number(OVERLAP_MS) };
  throw new InvalidArgumentError('OVERLAP_MS must be a whole number of milliseconds.');
}

/** Fails if a goal with `holds` is missed. */
function runAll({ participants, seed, quick }) {
  rejectOptionsOfOneScenario();
  const count = command.getOptionValueSource('participants') === 'cli' ? participants : undefined;
  const startMs = performance.now();
  const size = { participants: count ?? (quick ? QUICK_PARTICIPANTS : MATRIX_PARTICIPANTS), seed };
  const cells = runMatrix(size, ({ name }) => console.log(`${name} …`));
  const goals = judgeGoals(cells);
  const isFailed = ({ holds, dependsOnChance, unexpected }) =>
    holds && unexpected.length > 0 && !(quick && dependsOnChance);
  for (const goal of goals) {
    const { name, judged, missed, unexpected } = goal;
    console.log(`${missed.length === 0 ? 'met' : `missed in ${missed.length} of ${judged} cells`}: ${name}`);
    if (isFailed(goal)) for (const cell of unexpected) console.error(`  ${cell}`);
  }
  if (!quick) writeDocument(cells, goals);
  const seconds = Math.round((performance.now() - startMs) / 1_000);
  console.log(`${cells.length} cells in ${seconds} s${quick ? '' : ', written to docs/accuracy.md'}`);
  if (goals.some(isFailed)) process.exitCode = 1;
}

function rejectOptionsOfOneScenario() {
  const allowed = ['participants', 'seed', 'quick'];
  const given = command.options.filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli');
  const other = given.find((option) => !allowed.includes(option.attributeName()));
  if (other) throw new InvalidArgumentError(`option '${other.long}' is for one scenario, not for all.`);
}

await runCommand(command);
