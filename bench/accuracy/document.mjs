// docs/accuracy.md: every scenario at every level of chaos.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { SCENARIOS } from '../../simulator/dist/scenarios/scenarios.js';
import { GRACE_MS, measure } from './measure.mjs';
import { rowsOf } from './rows.mjs';

const NONE = {
  lossShare: 0,
  duplicateShare: 0,
  delayMs: 30,
  reorderShare: 0,
  reorderWithinMs: 2_000,
  skewMs: 0,
  clockOffsetMs: 0,
  overlapShare: 0,
  overlapWithinMs: 5_000,
  burstMs: 0,
};
const DISORDER = { ...NONE, duplicateShare: 0.05, reorderShare: 0.2, overlapShare: 0.01 };
const LEVELS = {
  calm: ['each webhook once, after 30 ms on average', NONE],
  disorder: ['5 % duplicates, 20 % reordered within 2 s, 1 % overlapping reconnects, no loss', DISORDER],
  loss: ['the same, and 1 % is lost', { ...DISORDER, lossShare: 0.01 }],
  storm: [
    '5 % lost, 10 % duplicates, 40 % reordered within 2 s, 5 % overlapping reconnects, clocks wrong by up to 300 ms, bursts of 1 s',
    {
      ...DISORDER,
      lossShare: 0.05,
      duplicateShare: 0.1,
      reorderShare: 0.4,
      overlapShare: 0.05,
      skewMs: 300,
      burstMs: 1_000,
    },
  ],
};
const TEXT = new URL('./document.md', import.meta.url);
const DOCUMENT = new URL('../../docs/accuracy.md', import.meta.url);

/** `run`: as for `measure`, without a scenario. The levels of a scenario are measured concurrently. */
export async function writeDocument(run) {
  const rows = [];
  for (const scenario of SCENARIOS.values()) {
    console.log(`${scenario.name} …`);
    const measured = await Promise.all(
      Object.entries(LEVELS).map(async ([level, [, chaos]]) => [level, await measure({ ...run, scenario }, chaos)]),
    );
    for (const [level, measurement] of measured) {
      if (measurement.tally.refused > 0) throw new Error(`${scenario.name}, ${level}: some webhooks were not accepted`);
      for (const [receiver, columns] of rowsOf(measurement))
        rows.push({ scenario: scenario.name, level, receiver, ...columns });
    }
  }
  const scenarios = [...SCENARIOS.values()].map(({ name, summary }) => `- \`${name}\`: ${summary}`);
  const levels = Object.entries(LEVELS).map(([level, [summary]]) => `- \`${level}\`: ${summary}`);
  const text = readFileSync(TEXT, 'utf8')
    .replace('{{run}}', describeRun(run))
    .replace('{{scenarios}}', scenarios.join('\n'))
    .replace('{{levels}}', levels.join('\n'))
    .replace('{{table}}', tableOf(rows));
  writeFileSync(DOCUMENT, text);
  console.log('wrote docs/accuracy.md');
}

function describeRun({ participants, durationMs }) {
  const day = new Date().toISOString().slice(0, 10);
  return `${participants} participants in each run, ${durationMs / 1_000} s plus the time until all events have taken effect; a grace period of ${GRACE_MS / 1_000} s; measured on ${day} with Node.js ${process.versions.node} on ${cpus().length} cores.`;
}

function tableOf(rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const names = Object.keys(rows[0]);
  return [line(names), line(names.map(() => '---')), ...rows.map((row) => line(Object.values(row)))].join('\n');
}
