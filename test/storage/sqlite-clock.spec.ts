// The embedded store has no clock of its own: what it drops over time depends on the injected clock.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { SqliteStorage } from '../../src/storage/sqlite/sqlite-storage.js';
import { arrival, keyNamed } from '../contract/arrivals.js';
import { entriesAfter } from '../contract/feed.js';
import { closeOnce } from '../leftovers.js';
import { ManualClock } from '../manual-clock.js';

const START_MS = Date.parse('2001-02-03T04:05:06.789Z');

let clock: ManualClock;
let storage: SqliteStorage;
let discard: () => Promise<void>;
beforeEach(() => {
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-clock-'));
  clock = new ManualClock(START_MS);
  storage = new SqliteStorage(dir, clock, pino({ level: 'silent' }));
  discard = closeOnce(async () => {
    await storage.close();
    rmSync(dir, { recursive: true });
  });
});
afterEach(() => discard());

it('keeps changes for the retention', async () => {
  const startPosition = await storage.feed.end();
  await storage.records.commit([arrival('a', {}, 'old')]);
  const afterOld = await storage.feed.end();
  clock.advance(60_000);
  await storage.records.commit([arrival('b', {}, 'new')]);
  const limits = { retentionMs: 60_000, maxBytes: 1e9 };
  await storage.feed.trim(limits);
  expect(await entriesAfter(storage.feed, startPosition)).toHaveLength(2);
  clock.advance(1);
  await storage.feed.trim(limits);
  expect(await storage.feed.read(startPosition, 10)).toBeNull();
  expect((await entriesAfter(storage.feed, afterOld)).map(({ changes }) => changes)).toEqual(['new']);
});

it('keeps bindings until they expire', async () => {
  await storage.bindings.bind('ref', keyNamed('first'), START_MS + 60_000);
  clock.advance(60_000);
  await storage.bindings.bind('another', keyNamed('first'), START_MS + 120_000);
  expect(await storage.bindings.bind('ref', keyNamed('second'), START_MS + 120_000)).toBe('first');
  clock.advance(1);
  await storage.bindings.bind('a third', keyNamed('first'), START_MS + 120_000);
  expect(await storage.bindings.bind('ref', keyNamed('second'), START_MS + 120_000)).toBe('second');
});
