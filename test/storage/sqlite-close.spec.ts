// The embedded store on a disk that fails while the service stops.
import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { SqliteStorage } from '../../src/storage/sqlite/sqlite-storage.js';
import { arrival } from '../contract/arrivals.js';
import { ManualClock } from '../manual-clock.js';

const folder = mkdtempSync(join(tmpdir(), 'rollcall-close-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('is closed although its write-ahead log cannot be emptied, and logs it', async () => {
  const logged: Record<string, unknown>[] = [];
  const log = pino({ base: null }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const storage = new SqliteStorage(folder, new ManualClock(0), log);
  await storage.records.commit([arrival('a', {}, 'change')]);
  truncateSync(join(folder, 'rollcall.db-wal'));
  await storage.close();
  expect(logged).toContainEqual(
    expect.objectContaining({
      level: 40,
      file: join(folder, 'rollcall.db'),
      msg: 'the write-ahead log of an SQLite file could not be emptied; the next start reads it',
    }),
  );
});
