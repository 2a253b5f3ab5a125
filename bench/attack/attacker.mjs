// A separate process that runs one attack until its time or its byte limit is used up, or it is stopped. Prints a report.
import { constants, setPriority } from 'node:os';
import { randomOf } from '../../simulator/dist/random.js';
import { ATTACKS } from './attacks.mjs';
import { Traffic } from './traffic.mjs';

const { attack, url, seed, durationMs, target } = JSON.parse(process.argv[2]);
// It represents another machine, so it must not take CPU time from the service.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

const traffic = new Traffic(url);
setTimeout(() => traffic.stop(), durationMs);
process.on('SIGTERM', () => traffic.stop());
const faults = new Set();
await ATTACKS.get(attack).run({
  traffic,
  target,
  durationMs,
  random: randomOf(seed, 0),
  /** Reports behaviour that is wrong under any circumstances. */
  fault: (text) => faults.add(text),
});
const report = { connections: traffic.opened, bytes: traffic.bytes, faults: [...faults] };
process.stdout.write(JSON.stringify(report), () => process.exit(0));
