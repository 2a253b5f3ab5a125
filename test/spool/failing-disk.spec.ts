// A spool whose file fails while it is open: nothing throws, and events are refused.
import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { Spool } from '../../src/spool/spool.js';
import { SpoolFile } from '../../src/spool/spool-file.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { eventually } from '../eventually.js';
import { ManualClock } from '../manual-clock.js';

const PAGE_BYTES = 4_096;
const LIMITS = { maxBytes: 2 ** 30, maxAgeMs: 2 ** 40 };

let folder: string;
let logged: Record<string, unknown>[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-disk-'));
  logged = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

const log = pino({ base: null }, { write: (line: string) => void logged.push(JSON.parse(line)) });
const open = (name: string) => new SpoolFile(folder, name, 'a store');
const spoolOf = (file: SpoolFile) => new Spool([file], LIMITS, { clock: new ManualClock(0), log });
const entryOf = (n: number, text: string) => ({ key: `p${n}` as SubjectKey, receivedAtMs: n, text });

it('a spool whose oldest event cannot be read takes no events', async () => {
  const before = open('before.db');
  // More than SQLite keeps in memory.
  before.append(Array.from({ length: 6_000 }, (_, n) => entryOf(n, 'x'.repeat(900))));
  before.close(log);
  copyFileSync(join(folder, 'before.db'), join(folder, 'spool-1.db'));
  const spool = spoolOf(open('spool-1.db'));
  overwriteFirstHalf(join(folder, 'spool-1.db'));
  expect(await spool.add(entryOf(6_000, 'new'))).toBe(false);
  expect(spool.canAdd()).toBe(false);
  expect(spool.state).toBeUndefined();
  expect(logged).toEqual([
    expect.objectContaining({ msg: expect.stringMatching(/^The spool refuses to take events: SQLITE_CORRUPT, /) }),
  ]);
  await spool.stop();
});

it('a spool that cannot empty its write-ahead log is closed all the same', async () => {
  const spool = spoolOf(open('spool-1.db'));
  expect(await spool.add(entryOf(1, 'an event'))).toBe(true);
  truncateSync(join(folder, 'spool-1.db-wal'));
  await spool.stop();
  expect(logged).toEqual([
    expect.objectContaining({
      level: 40,
      file: join(folder, 'spool-1.db'),
      reason: expect.any(String),
      msg: 'the write-ahead log of an SQLite file could not be emptied; the next start reads it',
    }),
  ]);
});

it('the size of a spool is in bytes, whatever its texts are, and the same after a restart', async () => {
  const text = '"ä 😀"';
  const spool = spoolOf(open('spool-1.db'));
  expect(await spool.add(entryOf(1, text))).toBe(true);
  const bytes = Buffer.byteLength(text) + 128;
  expect(spool.state).toMatchObject({ events: 1, bytes });
  await spool.stop();
  // A file that was open in this process cannot be opened again.
  copyFileSync(join(folder, 'spool-1.db'), join(folder, 'spool-2.db'));
  const next = spoolOf(open('spool-2.db'));
  expect(next.state).toMatchObject({ events: 1, bytes });
  next.start({
    canApply: async () => 'all',
    apply: async (texts) => texts.map(() => ({ status: 'fulfilled', value: undefined })),
  });
  await eventually(() => expect(next.state).toEqual({ events: 0, bytes: 0, oldestAgeMs: 0 }));
  await next.stop();
});

/** Without the first pages: SQLite has read those. */
function overwriteFirstHalf(path: string): void {
  const file = openSync(path, 'r+');
  const pages = Math.floor(statSync(path).size / PAGE_BYTES / 2);
  writeSync(file, Buffer.alloc((pages - 3) * PAGE_BYTES, 0xff), 0, (pages - 3) * PAGE_BYTES, 3 * PAGE_BYTES);
  closeSync(file);
}
