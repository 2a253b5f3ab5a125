// Generates load with bench/pacer.mjs, in a separate process.
import { outputOf } from './processes.mjs';

/**
 * Sends `count` callbacks at `perSecond`, after those of `warmUp`. Resolves with the time until all were answered and, for each
 * status, the number of responses and their latency, from the scheduled and from the actual time of sending.
 */
export async function pace({ port, warmUp, perSecond, count, connections = 64, participants = 10_000, firstTurn = 0 }) {
  const plan = { port, warmUp: whole(warmUp), ...whole({ perSecond, count }), connections, participants, firstTurn };
  return JSON.parse(await outputOf(process.execPath, ['bench/pacer.mjs', JSON.stringify(plan)]));
}

function whole({ perSecond, count }) {
  return { perSecond, count: Math.max(1, Math.round(count)) };
}

/** The number of callbacks that were not answered as stored. */
export function refusedOf({ byStatus }) {
  return Object.entries(byStatus).reduce((sum, [status, { count }]) => sum + (status === '204' ? 0 : count), 0);
}
