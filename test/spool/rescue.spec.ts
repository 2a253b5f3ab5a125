// What becomes of the events of a damaged spool file: real files, of which single pages are overwritten.
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pino } from 'pino';
import { systemClock } from '../../src/runtime/clock.js';
import { openSpoolFiles } from '../../src/spool/open-spool.js';
import { Spool } from '../../src/spool/spool.js';
import { SpoolFile } from '../../src/spool/spool-file.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { eventually } from '../eventually.js';
import { lengthOf } from '../length.js';

const STORE = 'redis://127.0.0.1/ rollcall';
const PAGE_BYTES = 4_096;
const COUNT = 3_000;
const LIMITS = { maxBytes: 2 ** 30, maxAgeMs: 2 ** 40 };

let folder: string;
let intact: string;
const texts = Array.from({ length: COUNT }, (_, n) => JSON.stringify({ event: `${n} ${'x'.repeat(900)}` }));

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-rescue-'));
  const file = new SpoolFile(join(folder, 'intact'), 'spool-1.db', STORE);
  file.append(texts.map((text, n) => ({ key: `p${n}` as SubjectKey, receivedAtMs: n, text })));
  // Some have been applied.
  file.remove(Array.from({ length: 500 }, (_, n) => n + 1));
  file.close(pino({ level: 'silent' }));
  intact = join(folder, 'intact', 'spool-1.db');
});
afterAll(() => rmSync(folder, { recursive: true }));

const spooled = texts.slice(500);

/** A folder with a copy of the file, in which pages are overwritten. */
function damagedFolder(pages: readonly number[], byte: number): string {
  const dataDir = mkdtempSync(join(folder, 'data-'));
  copyFileSync(intact, join(dataDir, 'spool-1.db'));
  overwrite(join(dataDir, 'spool-1.db'), pages, byte);
  return dataDir;
}

function overwrite(file: string, pages: readonly number[], byte: number): void {
  const descriptor = openSync(file, 'r+');
  for (const page of pages) writeSync(descriptor, Buffer.alloc(PAGE_BYTES, byte), 0, PAGE_BYTES, page * PAGE_BYTES);
  closeSync(descriptor);
}

/** Opens the spool of the folder, and returns what it applies and logs. */
function openSpool(dataDir: string) {
  const logged: Record<string, unknown>[] = [];
  const log = pino({}, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const applied: string[] = [];
  const spool = new Spool(openSpoolFiles({ dataDir, name: 'spool', store: STORE }, log), LIMITS, {
    clock: systemClock,
    log,
  });
  spool.start({
    canApply: async () => 'all',
    apply: async (texts) => texts.map((text) => ({ status: 'fulfilled', value: applied.push(text) })),
  });
  return { spool, applied, logged };
}

describe('a spool file with damaged pages', () => {
  const pageCount = () => statSync(intact).size / PAGE_BYTES;

  it('is renamed, and what can be read of it is applied once', async () => {
    const dataDir = damagedFolder([pageCount() - 100, pageCount() - 99, pageCount() - 50], 0xff);
    const damaged = readFileSync(join(dataDir, 'spool-1.db'));
    const { spool, applied, logged } = openSpool(dataDir);
    const [facts] = logged.filter(({ msg }) => String(msg).startsWith('a spool file was damaged'));
    expect(facts).toMatchObject({ level: 50, file: join(dataDir, 'spool-1.db.damaged') });
    const { rescued, lostAtMost } = facts as { rescued: number; lostAtMost: number };
    expect(rescued).toBeGreaterThan(spooled.length - 20);
    expect(rescued).toBeLessThan(spooled.length);
    expect(lostAtMost).toBe(spooled.length - rescued);
    await eventually(() => expect(applied).toHaveLength(rescued));
    expect(spooled.filter((text) => applied.includes(text))).toEqual(applied);
    await spool.stop();
    expect(readFileSync(join(dataDir, 'spool-1.db.damaged')).equals(damaged)).toBe(true);
    expect(existsSync(join(dataDir, 'spool-1.db'))).toBe(false);
  });

  it('loses no more than is logged, whichever pages are damaged', async () => {
    const page = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const property = fc.asyncProperty(
      fc.array(page, { minLength: 1, maxLength: 5 }),
      fc.nat(255),
      async (places, byte) => {
        const pages = places.map((place) => Math.floor(place * pageCount()));
        const dataDir = damagedFolder(pages, byte);
        const { spool, applied, logged } = openSpool(dataDir);
        const isRenamed = readdirSync(dataDir).includes('spool-1.db.damaged');
        const { rescued, lostAtMost } = (logged.find(({ rescued }) => rescued !== undefined) ?? {}) as Record<
          string,
          number
        >;
        // The damaged pages were not in use, or the file cannot be opened at all.
        if (!isRenamed) expect([spooled.length, 0]).toContain(spool.state?.events);
        const count = isRenamed ? (rescued ?? Number.NaN) : (spool.state?.events ?? Number.NaN);
        await eventually(() => expect(applied).toHaveLength(count));
        await spool.stop();
        expect(spooled.filter((text) => applied.includes(text))).toEqual(applied);
        if (isRenamed) expect(applied.length + (lostAtMost ?? Number.NaN)).toBeGreaterThanOrEqual(spooled.length);
        rmSync(dataDir, { recursive: true });
      },
    );
    await fc.assert(property, { numRuns: lengthOf(15, 200) });
  });

  it('is left alone if it has events for another store', () => {
    const dataDir = damagedFolder([pageCount() - 100], 0xff);
    const log = pino({ level: 'silent' });
    const files = openSpoolFiles({ dataDir, name: 'spool', store: 'another store' }, log);
    expect(files.map((file) => file.length)).toEqual([0]);
    for (const file of files) file.close(log);
    expect(readdirSync(dataDir)).toEqual(expect.arrayContaining(['spool-1.db']));
  });

  it('which is damaged while it is used stays in use, and says so', async () => {
    const dataDir = damagedFolder([], 0);
    const { spool, applied, logged } = openSpool(dataDir);
    // SQLite has read the first pages only.
    overwrite(join(dataDir, 'spool-1.db'), [pageCount() - 100], 0xff);
    await eventually(() =>
      expect(logged).toContainEqual(
        expect.objectContaining({
          level: 50,
          msg: expect.stringMatching(/^The spool refuses to read events: SQLITE_CORRUPT, /),
        }),
      ),
    );
    expect(applied.length).toBeGreaterThan(0);
    await spool.stop();
  });
});
