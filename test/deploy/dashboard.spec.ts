import { describe, expect, it } from '@jest/globals';
import { readDashboard } from './files.js';

describe('the dashboard', () => {
  const { panels, templating } = readDashboard();
  const shown = panels.filter(({ type }) => type !== 'row');

  it('has a row for each question', () => {
    const rows = panels.filter(({ type }) => type === 'row').map(({ title }) => title);
    expect(rows).toEqual(['Is it coming in?', 'Is it true?', 'Is it fast?', 'Is it stored?', 'Is it delivered?']);
  });

  it('has panels with a title and a description in one line', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    for (const { description } of shown) expect(description).toMatch(/^.{20,110}\.$/);
  });

  it('can be used with any data source, job and instance', () => {
    expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'job', 'instance']);
    const targets = shown.flatMap(({ targets: own = [] }) => own);
    for (const { datasource } of [...shown, ...targets]) expect(datasource?.uid).toMatch(/^\$\{datasource\}$/);
    for (const { expr } of targets) {
      const selectors = expr.match(/\{/g) ?? [];
      expect(expr.match(/\{job="\$job", instance=~"\$instance"/g)).toHaveLength(selectors.length);
    }
  });
});
