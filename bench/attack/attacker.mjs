// A process of its own: one attack, until its time is over, it has sent what it may, or it is told to stop. Prints what it did.
import { constants, setPriority } from 'node:os';
import { randomOf } from '../../simulator/dist/random.js';
import { ATTACKS } from './attacks.mjs';
import { Traffic } from './traffic.mjs';

const { attack, url, seed, durationMs, target } = JSON.parse(process.argv[2]);
// It stands for another machine, and must not take the processor from the service.
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
  /** An answer that is wrong whatever else happens. */
  fault: (text) => faults.add(text),
});
const report = { connections: traffic.opened, bytes: traffic.bytes, faults: [...faults] };
process.stdout.write(JSON.stringify(report), () => process.exit(0));
