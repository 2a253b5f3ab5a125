// What the spool logs while it is emptied, on a real file.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { pino } from 'pino';
import { Spool } from '../../src/spool/spool.js';
import { SpoolFile } from '../../src/spool/spool-file.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { eventually } from '../eventually.js';
import { closeOnce } from '../leftovers.js';
import { ManualClock } from '../manual-clock.js';

it('the progress of the spool is logged every 10 s, as long as there is any', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-drain-'));
  closeOnce(() => rmSync(folder, { recursive: true }));
  const file = new SpoolFile(folder, 'spool-1.db', 'a store');
  file.append(Array.from({ length: 300 }, (_, n) => ({ key: `p${n}` as SubjectKey, receivedAtMs: n, text: `${n}` })));
  const logged: Record<string, unknown>[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  const clock = new ManualClock(0);
  const spool = new Spool([file], { maxBytes: 2 ** 30, maxAgeMs: 2 ** 40 }, { clock, log });
  const waiting: (() => void)[] = [];
  const applyOne = () => new Promise<void>((resolve) => void waiting.push(resolve));
  const apply = (texts: readonly string[]) => Promise.allSettled(texts.map(applyOne));
  spool.start({ canApply: async () => 'all', apply });
  const applyNext = async (count: number, next: number) => {
    await eventually(() => expect(waiting).toHaveLength(count));
    for (const resolve of waiting.splice(0)) resolve();
    await eventually(() => expect(waiting).toHaveLength(next));
  };

  clock.advance(10_000);
  await applyNext(128, 128);
  clock.advance(10_000);
  clock.advance(10_000);
  await applyNext(128, 44);
  clock.advance(5_000);
  await applyNext(44, 0);
  await eventually(() => expect(logged).toHaveLength(3));
  clock.advance(60_000);
  await spool.stop();
  expect(logged).toEqual([
    { level: 40, events: 300, msg: 'events are spooled until the store can take them' },
    { level: 30, events: 172, perSecond: 13, msg: 'applying spooled events' },
    { level: 30, events: 300, durationMs: 35_000, msg: 'all spooled events have been applied' },
  ]);
});
