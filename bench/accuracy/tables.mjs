// The tables of docs/accuracy.md.
import { SCENARIOS } from '../../simulator/dist/scenarios/scenarios.js';
import { BASIC_LEVELS, CLOCK_LEVELS, MIXED_LEVELS } from './levels.mjs';
import { MANY, PROVIDER_LEVEL, WITH_API, WITH_PROVIDER } from './matrix.mjs';
import { describeCauses, namedScores, percent, rightShare, rowsOf, totalOf } from './rows.mjs';

/** Cells below this are explained one by one. */
const EXPLAINED_BELOW = 0.999;
const WITHOUT_LOSS = MIXED_LEVELS.filter(({ chaos }) => chaos.lossShare === 0);

/** `rows`: objects with the same members, which are the columns. */
function tableOf(rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const names = Object.keys(rows[0]);
  return [line(names), line(names.map(() => '---')), ...rows.map((row) => line(Object.values(row)))].join('\n');
}

const right = (score) => percent(rightShare(score));
const rightAndFalse = (score) => `${right(score)} · ${score.neverHappened}`;
const rightOf = ({ scores }) => rightShare(scores.rollcall);
const worstFirst = (cells) => cells.toSorted((a, b) => rightOf(a) - rightOf(b));

export function worstCell(cells) {
  const [cell] = worstFirst(cells.filter(({ settings }) => !settings));
  return `**Worst cell: ${nameOf(cell)}**: ${right(cell.scores.rollcall)} right (naive receiver: ${right(cell.scores.naive)}). Causes: ${describeCauses(cell)}.`;
}

function nameOf({ scenario, level }) {
  return `\`${scenario.name}\`, ${level.name}`;
}

export function goalTable(goals) {
  const rows = goals.map(({ name, judged, missed }) => ({
    goal: name,
    met: missed.length === 0 ? `in all ${judged} cells` : `in ${judged - missed.length} of ${judged} cells`,
    'but not in': missed.map(({ text }) => text).join('; '),
  }));
  const reasons = new Set(goals.flatMap(({ missed }) => missed.flatMap(({ why }) => why ?? [])));
  return [tableOf(rows), '', ...[...reasons].map((why) => `- ${why}`)].join('\n');
}

/** One row for each scenario, one column for each level. */
function scenarioTable(cells, levels) {
  const rows = [...SCENARIOS.keys()].map((name) => {
    const columns = levels.map((level) => [level.name, rightAndFalse(cellOf(cells, name, level).scores.rollcall)]);
    return { scenario: name, ...Object.fromEntries(columns) };
  });
  return tableOf(rows);
}

function cellOf(cells, name, level, settings) {
  return cells.find((cell) => cell.scenario.name === name && cell.level === level && cell.settings === settings);
}

export function withoutLossTable(cells) {
  return scenarioTable(cells, [BASIC_LEVELS[0], ...WITHOUT_LOSS]);
}

export function clockTable(cells) {
  return scenarioTable(cells, CLOCK_LEVELS);
}

/** Worst first, with a column for each receiver. */
export function lossTable(cells) {
  const chosen = cells.filter(({ level, settings }) => level.name === 'loss' && !settings);
  const rows = worstFirst(chosen).map((cell) => ({
    scenario: cell.scenario.name,
    ...Object.fromEntries(namedScores(cell.scores).map(([receiver, score]) => [receiver, rightAndFalse(score)])),
    'too late': cell.scores.rollcall.late,
    causes: describeCauses(cell),
  }));
  return tableOf(rows);
}

/** For each scenario: webhooks alone, and with the provider's API. */
export function apiTable(cells) {
  const levels = BASIC_LEVELS.filter(({ name }) => name !== 'calm');
  const rows = [...SCENARIOS.keys()].map((name) => {
    const columns = levels.flatMap((level) => {
      const of = (settings) => rightAndFalse(cellOf(cells, name, level, settings).scores.rollcall);
      const withApi = WITH_API.map((settings) => [`+ list ${settings.api.everyMs / 1_000} s`, of(settings)]);
      return [[level.name, of(undefined)], ...withApi.map(([column, value]) => [`${level.name} ${column}`, value])];
    });
    return { scenario: name, ...Object.fromEntries(columns) };
  });
  return tableOf(rows);
}

/** For each scenario and each provider: webhooks alone, and with its API, which also shows the longest mistake. */
export function providerTable(cells) {
  const rows = [...SCENARIOS.values()].flatMap(({ name, devicesAtOnce }) => {
    if (devicesAtOnce === 'many') return [];
    return WITH_PROVIDER.map(({ provider, alone, withApi }) => {
      const of = (settings) => cellOf(cells, name, PROVIDER_LEVEL, settings);
      const columns = withApi.map((settings) => {
        const { scores, longest } = of(settings);
        const longestS = `${(longest.ms / 1_000).toFixed(1)} of ${(longest.limitMs / 1_000).toFixed(1)} s`;
        return [`+ list ${settings.api.everyMs / 1_000} s`, `${rightAndFalse(scores.rollcall)} · ${longestS}`];
      });
      const webhooks = rightAndFalse(of(alone).scores.rollcall);
      return { scenario: name, like: provider.name, 'webhooks alone': webhooks, ...Object.fromEntries(columns) };
    });
  });
  return tableOf(rows);
}

export function manyTable(cells) {
  const rows = [...SCENARIOS.values()].flatMap(({ name, devicesAtOnce }) => {
    if (devicesAtOnce === 'many') return [];
    const columns = BASIC_LEVELS.flatMap((level) => [
      [`${level.name}, one`, rightAndFalse(cellOf(cells, name, level).scores.rollcall)],
      [`${level.name}, many`, rightAndFalse(cellOf(cells, name, level, MANY).scores.rollcall)],
    ]);
    return [{ scenario: name, ...Object.fromEntries(columns) }];
  });
  return tableOf(rows);
}

export function belowNaiveTable(cells) {
  const mixed = cells.filter(({ level, settings }) => MIXED_LEVELS.includes(level) && !settings);
  const pointsOf = ({ scores }) => (rightShare(scores.rollcall) - rightShare(scores.naive)) * 100;
  const below = mixed.filter((cell) => pointsOf(cell) < -0.01).toSorted((a, b) => pointsOf(a) - pointsOf(b));
  const intro = `Below it in ${below.length} of ${mixed.length} cells.`;
  if (below.length === 0) return intro;
  const rows = below.map((cell) => ({
    scenario: cell.scenario.name,
    level: cell.level.name,
    naive: rightAndFalse(cell.scores.naive),
    Rollcall: rightAndFalse(cell.scores.rollcall),
    difference: pointsOf(cell).toFixed(3),
  }));
  return `${intro}\n\n${tableOf(rows)}`;
}

export function explanationTable(cells) {
  const explained = cells.filter((cell) => !cell.settings && rightOf(cell) < EXPLAINED_BELOW);
  const rows = worstFirst(explained).map((cell) => ({
    scenario: cell.scenario.name,
    level: cell.level.name,
    right: right(cell.scores.rollcall),
    causes: describeCauses(cell),
  }));
  return tableOf(rows);
}

export function figureTable(cells) {
  const chosen = cells.filter(({ level, settings }) => BASIC_LEVELS.includes(level) && !settings);
  return tableOf(
    chosen.flatMap(({ scenario, level, scores }) =>
      rowsOf(scores).map(([receiver, columns]) => ({
        scenario: scenario.name,
        level: level.name,
        receiver,
        ...columns,
      })),
    ),
  );
}

export function participantHours(cells) {
  const seconds = cells.reduce((sum, { scores }) => sum + totalOf(scores.rollcall), 0);
  return Math.round(seconds / 3_600).toLocaleString('en-US');
}
