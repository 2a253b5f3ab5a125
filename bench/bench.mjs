// npm run bench: measures Rollcall on loopback, against the least that a receiver can do and what people write by hand,
// and writes docs/benchmarks.md. It starts and ends all that it needs.
//   npm run bench -- reads memory    these parts alone, of those in run.mjs; writes nothing
//   npm run bench -- --quick         only whether all of it runs; writes nothing
import { build, install } from '../scripts/prepare.mjs';
import { ensurePrograms } from '../scripts/program.mjs';

install();
ensurePrograms('redis-server', 'redis-tools', 'wrk');
build();
const { run } = await import('./run.mjs'); // it needs what was installed
const args = process.argv.slice(2);
const isGood = await run({ names: args.filter((arg) => !arg.startsWith('--')), isQuick: args.includes('--quick') });
process.exit(isGood ? 0 : 1);
