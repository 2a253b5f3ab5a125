// npm run bench: measures Rollcall on loopback, compared with a minimal receiver and a hand-written one, and writes
// docs/benchmarks.md. Starts and stops everything it needs.
//   npm run bench -- reads memory    these parts alone, of those in run.mjs; writes nothing
//   npm run bench -- --quick         only whether all of it runs; writes nothing
//   npm run bench -- capacity --participants 1000000 --callbacks 5000    the sizing for these; the options are in capacity/sizing.mjs
import { parseArgs } from 'node:util';
import { build, install } from '../scripts/prepare.mjs';
import { ensurePrograms } from '../scripts/program.mjs';
import { TARGETS } from './capacity/sizing.mjs';

const numbers = Object.fromEntries(Object.keys(TARGETS).map((name) => [name, { type: 'string' }]));
const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, ...numbers },
  allowPositionals: true,
});
const { quick, ...chosen } = values;
const targets = {
  ...TARGETS,
  ...Object.fromEntries(Object.entries(chosen).map(([name, text]) => [name, Number(text)])),
};
const faulty = Object.keys(targets).filter((name) => !(targets[name] > 0));
if (faulty.length > 0) {
  console.error(`--${faulty[0]} must be a number above 0`);
  process.exit(1);
}
install();
ensurePrograms('redis-server', 'redis-tools', 'postgresql', 'wrk');
build();
const { run } = await import('./run.mjs'); // after the dependencies are installed
process.exit((await run({ names: positionals, isQuick: quick, targets })) ? 0 : 1);
