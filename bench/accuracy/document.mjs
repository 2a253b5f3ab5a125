// docs/accuracy.md: the matrix, as text.
import { readFileSync, writeFileSync } from 'node:fs';
import { SCENARIOS } from '../../simulator/dist/scenarios/scenarios.js';
import { BASIC_LEVELS, CLOCK_LEVELS } from './levels.mjs';
import { PROVIDERS } from './providers.mjs';
import * as tables from './tables.mjs';

const TEXT = new URL('./document.md', import.meta.url);
const DOCUMENT = new URL('../../docs/accuracy.md', import.meta.url);

/** `goals`: as judged. */
export function writeDocument(cells, goals) {
  const parts = {
    worst: tables.worstCell(cells),
    run: describeRun(cells),
    goals: tables.goalTable(goals),
    scenarios: listOf([...SCENARIOS.values()]),
    levels: listOf([...BASIC_LEVELS, ...CLOCK_LEVELS]),
    withoutLoss: tables.withoutLossTable(cells),
    loss: tables.lossTable(cells),
    api: tables.apiTable(cells),
    providers: listOf(PROVIDERS),
    likeProviders: tables.providerTable(cells),
    many: tables.manyTable(cells),
    clocks: tables.clockTable(cells),
    belowNaive: tables.belowNaiveTable(cells),
    explanations: tables.explanationTable(cells),
    figures: tables.figureTable(cells),
  };
  const text = readFileSync(TEXT, 'utf8').replaceAll(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);
  writeFileSync(DOCUMENT, text);
}

function listOf(described) {
  return described.map(({ name, summary }) => `- \`${name}\`: ${summary}`).join('\n');
}

/** Without date and machine: the same code and seed give the same page everywhere. */
function describeRun(cells) {
  const counts = [...new Set(cells.map(({ participants }) => participants))];
  return `${cells.length} cells of ${counts.join(' or ')} participants, ${tables.participantHours(cells)} participant-hours.`;
}
