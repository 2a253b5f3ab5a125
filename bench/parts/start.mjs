// The time from starting the built service to its first response, and its memory when idle.
import { setTimeout as wait } from 'node:timers/promises';
import { startNode } from '../processes.mjs';
import { format, middle, spread } from '../table.mjs';
import { usageOf } from '../usage.mjs';

export async function start({ rounds, restMs }) {
  const startsMs = [];
  const restsMb = [];
  for (let round = 0; round < rounds; round += 1) {
    const beganMs = performance.now();
    const service = await startNode('dist/main.js');
    const answer = await fetch(`http://127.0.0.1:${service.port}/health/ready`);
    startsMs.push(performance.now() - beganMs);
    if (!answer.ok) throw new Error(`the service has started but is not ready: ${answer.status}`);
    await wait(restMs);
    restsMb.push(usageOf(service.pid).rssKb / 1_024);
    await service.stop();
  }
  const row = (name, values) => ({ '': name, median: middle(values), spread: spread(values) });
  const rows = [row('start to first response, ms', startsMs), row('resident memory when idle, MiB', restsMb)];
  return {
    title: 'Start',
    tables: [{ text: `On SQLite: \`node dist/main.js\` with a new SQLite file, ${format(rounds)} times.`, rows }],
    samples: { startMs: startsMs },
    failed: 0,
  };
}
