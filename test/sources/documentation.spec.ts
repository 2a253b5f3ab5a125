// The pages in docs/sources/: one for each dialect, with the events and settings that the code has.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { DIALECTS } from '../../src/sources/registry.js';

const DOCS = new URL('../../docs/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, DOCS), 'utf8');

describe('the pages of the sources', () => {
  it('exist for each dialect, and for nothing else, and are linked', () => {
    const pages = readdirSync(new URL('sources/', DOCS)).map((name) => name.replace(/\.md$/, ''));
    expect(new Set(pages)).toEqual(new Set(Object.keys(DIALECTS)));
    for (const page of pages) expect(read('sources.md')).toContain(`| [\`${page}\`](sources/${page}.md) |`);
  });

  it.each(Object.entries(DIALECTS))(
    'list what the events and settings of %s are',
    (name, { events, settings = {} }) => {
      const page = read(`sources/${name}.md`);
      const [, table = ''] = /^\| event \|.*\n\|[-|]+\n((?:\|.*\n)+)/m.exec(page) ?? [];
      const rows = [...table.matchAll(/^\| `([^`]+)` \|.*\| `([^`]+)` \|$/gm)];
      expect(rows.map(([, event, meaning]) => [event, meaning])).toEqual([...(events ?? [])]);
      expect(rows.length).toBe(table.split('\n').length - 1);
      for (const { name: setting, purpose, fallback } of Object.values(settings)) {
        expect(page).toContain(`| \`${setting}\` | ${fallback ? `\`${fallback}\` ` : ''}| ${purpose} |`);
      }
    },
  );
});
