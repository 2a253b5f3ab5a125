// Human-readable results.
import { writeFileSync } from 'node:fs';
import { format, table } from '../table.mjs';

/** One line for a round. */
export function lineOf({ store, attack, control, underAttack, grownMib, failed }) {
  const p99 = [control, underAttack].map(({ p99Ms }) => milliseconds(p99Ms)).join(' → ');
  return `${store} ${attack}: ${verdictOf(failed)} (p99 ${p99} ms, ${format(grownMib)} MiB above idle)`;
}

/** One table row for a round. */
export function rowOf({ store, attack, control, underAttack, grownMib, backAfterMs, attacker, failed }) {
  return {
    store,
    attack,
    'p50 → under attack, ms': `${milliseconds(control.p50Ms)} → ${milliseconds(underAttack.p50Ms)}`,
    'p99 → under attack, ms': `${milliseconds(control.p99Ms)} → ${milliseconds(underAttack.p99Ms)}`,
    'sender late, ms': format(underAttack.lateP99Ms),
    refused: format(underAttack.refused),
    unanswered: format(underAttack.failed),
    'memory increase, MiB': format(grownMib),
    'recovery, s': backAfterMs === undefined ? 'never' : format(backAfterMs / 1_000, 1),
    'MB of attack': format(attacker.bytes / 1e6),
    verdict: verdictOf(failed),
  };
}

export function writeReport(file, rounds, seed) {
  const markdown = `Seed \`${seed}\`.\n\n${table(rounds.map(rowOf))}\n`;
  writeFileSync(file, file.endsWith('.json') ? `${JSON.stringify({ seed, rounds }, undefined, 2)}\n` : markdown);
}

function verdictOf(failed) {
  return failed.length === 0 ? 'held' : `FAILED: ${failed.join(', ')}`;
}

function milliseconds(value) {
  return Number.isFinite(value) ? format(value) : '–';
}
