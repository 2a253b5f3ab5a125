// While the file of history cannot be written, nothing of a batch is kept, and it is written again later.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { pino } from 'pino';
import { advance } from '../../src/domain/participant.js';
import { HistoryStore, HistoryUnavailableError } from '../../src/history/history-store.js';
import { project } from '../../src/history/projection.js';
import { saveState, takeToken } from '../../src/history/projector-state.js';
import { eventOf, policy, subjectOf } from '../domain/builders.js';
import { START_MS } from '../domain/histories.js';
import { closeOnce } from '../leftovers.js';
import { newDatabase, openStore } from './databases.js';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-history-'));
  closeOnce(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it('loses nothing while it is full', async () => {
  const store = await openStore({ dataDir: newFolder() });
  const changes = Array.from({ length: 200 }, (_, n) => {
    const event = { ...eventOf('connected', { at: START_MS }), subject: subjectOf({ participant: `p${n}` }) };
    return advance(undefined, [event], START_MS, policy).changes;
  }).flat();
  const state = await store.use(({ db }) => takeToken(db));
  const position = [{ epoch: '9f3ac21b77d0', entry: '1' }];
  const write = () =>
    store.inTransaction(async (db, tools) => {
      await saveState(db, { ...state, position });
      await project(db, tools, changes);
    });
  const stored = () =>
    store.use(async ({ db }) => {
      const { position: saved } = await db.selectFrom('projector').select('position').executeTakeFirstOrThrow();
      const { length } = await db.selectFrom('connections').select('id').execute();
      return [saved, length];
    });
  const limitPages = (count: number) =>
    store.use(({ db, sql }) => sql.raw(`PRAGMA max_page_count = ${count}`).execute(db));
  await limitPages(1);
  await expect(write()).rejects.toThrow(HistoryUnavailableError);
  expect(store.isAvailable).toBe(false);
  expect(await stored()).toEqual([null, 0]);
  await limitPages(1_000_000);
  await write();
  expect(store.isAvailable).toBe(true);
  expect(await stored()).toEqual(['9f3ac21b77d0.1', 200]);
});

it('says that it is read-only', async () => {
  const dataDir = newFolder();
  writeFileSync(join(dataDir, 'history.db'), '');
  chmodSync(join(dataDir, 'history.db'), 0o400);
  const lines: string[] = [];
  const store = new HistoryStore({ dataDir }, pino({ base: null }, { write: (line) => void lines.push(line) }));
  await expect(store.use(async () => {})).rejects.toThrow('read-only');
  expect(lines).toEqual([expect.stringContaining('history is not available')]);
});

it('is not locked for long by a process that stops within a transaction', async () => {
  const store = await openStore(await newDatabase());
  const timeout = await store.use(({ db, sql }) => sql`SHOW idle_in_transaction_session_timeout`.execute(db));
  expect(timeout.rows).toEqual([{ idle_in_transaction_session_timeout: '10s' }]);
});
