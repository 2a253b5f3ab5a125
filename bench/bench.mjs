// npm run bench: measures Rollcall on loopback, compared with a minimal receiver and a hand-written one, and writes
// docs/benchmarks.md. Starts and stops everything it needs.
//   npm run bench -- reads memory    these parts alone, of those in run.mjs; writes nothing
//   npm run bench -- --quick         only whether all of it runs; writes nothing
import { build, install } from '../scripts/prepare.mjs';
import { ensurePrograms } from '../scripts/program.mjs';

install();
ensurePrograms('redis-server', 'redis-tools', 'wrk');
build();
const { run } = await import('./run.mjs'); // after the dependencies are installed
const args = process.argv.slice(2);
const isGood = await run({ names: args.filter((arg) => !arg.startsWith('--')), isQuick: args.includes('--quick') });
process.exit(isGood ? 0 : 1);
