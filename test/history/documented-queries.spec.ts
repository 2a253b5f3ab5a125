// The SQL of docs/history.md runs on both databases, on the tables as they are.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { openStore, PLACES } from './databases.js';

const DOCUMENT = join(import.meta.dirname, '..', '..', 'docs', 'history.md');
const QUERIES = [...readFileSync(DOCUMENT, 'utf8').matchAll(/```sql\n([^`]+)```/g)].map(([, text = '']) => text);
const VALUES: Readonly<Record<string, string>> = { from: '1000', to: '9000', at: '3000' };
const ROW = {
  source: 'bandwidth',
  scope: '',
  participant_id: 'alice',
  device_id: 'd1',
  generation: 1,
  number: 0,
  tag: 'room-1',
  connected_at_ms: 2_000,
  started_at_ms: 2_000,
  lost_at_ms: null,
  ended_at_ms: 7_000,
  cause: 'left' as const,
  interruptions: 0,
  version: 1,
};

describe.each(PLACES)('the documented queries in %s', (name, newPlace) => {
  it('answer the questions', async () => {
    const store = await openStore(await newPlace());
    await store.use(({ db }) => db.insertInto('connections').values(ROW).execute());
    const answers = await store.use(async ({ db, sql }) => {
      const all = [];
      for (const query of QUERIES) {
        const filled = query.replace(/:(\w+)/g, (_, parameter: string) => VALUES[parameter] ?? '');
        const text = name === 'SQLite' ? filled.replaceAll('least(', 'min(').replaceAll('greatest(', 'max(') : filled;
        all.push(
          (await sql.raw<object>(text.replace(/;\s*$/, '')).execute(db)).rows.map((row) =>
            Object.values(row).map(String),
          ),
        );
      }
      return all;
    });
    const first = ([row = []]: string[][]) => row;
    expect(answers.map(first)).toEqual([
      ['alice', expect.stringMatching(/^5(\.0+)?$/)],
      ['alice'],
      ['2000', '7000', 'left', '0'],
      ['alice', '2000', '7000'],
      ['room-1', 'left', '1'],
    ]);
  });
});
