// npm run chaos -- --minutes 30 --seed 7: the history checker of test/chaos/, for as long as given. Prints a table of the rounds.
import { parseArgs } from 'node:util';
import { install, run } from './prepare.mjs';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string', default: '1' } },
});
for (const [name, value] of Object.entries(values)) {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new Error(`--${name} must be a whole number above 0`);
}
install();
Object.assign(process.env, { CHAOS_MINUTES: values.minutes, CHAOS_SEED: values.seed });
run(process.execPath, ['scripts/test.mjs', 'test/chaos']);
