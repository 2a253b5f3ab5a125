// Entries that have to wait for a reason of their own delay only later entries with the same key.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { EntryWaitsError, Spool } from '../../src/spool/spool.js';
import { type NewEntry, SpoolFile } from '../../src/spool/spool-file.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { StoreUnavailableError } from '../../src/storage/ports.js';
import { eventually } from '../eventually.js';
import { closeOnce } from '../leftovers.js';
import { ManualClock } from '../manual-clock.js';

const WAITS = new EntryWaitsError('no room');
const UNAVAILABLE = new StoreUnavailableError('the store is down');

let clock: ManualClock;
/** Entries with this text are rejected with this error. */
let failures: Record<string, Error | undefined>;
let passes: number;
/** What the consumer got. */
let batches: (readonly string[])[];

beforeEach(() => {
  clock = new ManualClock(0);
  failures = {};
  passes = 0;
  batches = [];
});

/** With the keys `${key}0`, `${key}1` and so on. */
function entries(text: string, count: number, key = text): NewEntry[] {
  return Array.from({ length: count }, (_, n) => ({ key: `${key}${n}` as SubjectKey, receivedAtMs: n, text }));
}

function start(...spooled: NewEntry[][]): Spool {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-waiting-'));
  closeOnce(() => rmSync(folder, { recursive: true }));
  const file = new SpoolFile(folder, 'spool-1.db', 'a store');
  file.append(spooled.flat());
  const spool = new Spool([file], { maxBytes: 2 ** 30, maxAgeMs: 2 ** 40 }, { clock, log: pino({ level: 'silent' }) });
  const canApply = async () => {
    passes += 1;
    return 'all' as const;
  };
  const applyOne = async (text: string) => {
    if (failures[text]) throw failures[text];
  };
  const apply = (texts: readonly string[]) => {
    batches.push(texts);
    return Promise.allSettled(texts.map(applyOne));
  };
  spool.start({ canApply, apply });
  return spool;
}

/** Resolves when it has begun. */
async function nextPass(): Promise<void> {
  const before = passes;
  await eventually(() => {
    clock.advance(10_000);
    expect(passes).toBeGreaterThan(before);
  });
}

it.each([
  ['that have to wait', WAITS],
  ['that fail unexpectedly', new Error('unexpected')],
])('entries behind more than a batch of entries %s are applied in the same pass', async (_what, failure) => {
  failures = { new: failure };
  const spool = start(entries('new', 300), entries('known', 10));
  await eventually(() => expect(spool.state?.events).toBe(300));
  expect(passes).toBe(1);
  expect(batches.map(({ length }) => length)).toEqual([128, 128, 54]);
  await spool.stop();
});

it('later entries with the key of one that has to wait are not tried before it', async () => {
  failures = { connected: WAITS };
  const spool = start(entries('connected', 200, 'new'), entries('left', 200, 'new'), entries('known', 1));
  await eventually(() => expect(spool.state?.events).toBe(400));
  expect(batches.flat()).toEqual([...Array(200).fill('connected'), 'known']);
  batches = [];
  failures = {};
  await nextPass();
  await eventually(() => expect(spool.state?.events).toBe(0));
  expect(batches.flat()).toEqual([...Array(200).fill('connected'), ...Array(200).fill('left')]);
  await spool.stop();
});

it('if all entries have to wait, the next pass begins only after a pause', async () => {
  failures = { new: WAITS };
  const spool = start(entries('new', 300));
  await eventually(() => expect(batches).toHaveLength(3));
  clock.advance(100);
  for (let n = 0; n < 20; n += 1) await new Promise(setImmediate);
  expect([passes, batches.length]).toEqual([1, 3]);
  await nextPass();
  await eventually(() => expect(batches).toHaveLength(6));
  await spool.stop();
});

it('a batch that finds the store unavailable ends the pass', async () => {
  failures = { new: WAITS, known: UNAVAILABLE };
  const spool = start(entries('new', 200), entries('known', 300));
  await nextPass();
  // The second batch has some of both.
  await eventually(() => expect(batches.map(([first]) => first).slice(0, 4)).toEqual(['new', 'new', 'known', 'new']));
  expect(spool.state?.events).toBe(500);
  await spool.stop();
});
