// A store of which a part is unavailable: the spooled events of other participants are applied, wherever they are in the file.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { pino } from 'pino';
import { Spool } from '../../src/spool/spool.js';
import { SpoolFile } from '../../src/spool/spool-file.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { StoreUnavailableError } from '../../src/storage/ports.js';
import { eventually } from '../eventually.js';
import { closeOnce } from '../leftovers.js';
import { ManualClock } from '../manual-clock.js';

it.each([
  ['all', 0],
  ['some', 10],
  ['none', 0],
] as const)('if %s can be applied, events behind more than a batch of others are %s', async (applicable, applied) => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-partial-'));
  closeOnce(() => rmSync(folder, { recursive: true }));
  const file = new SpoolFile(folder, 'spool-1.db', 'a store');
  const entryOf = (name: string, n: number) => ({ key: `${name}${n}` as SubjectKey, receivedAtMs: n, text: name });
  file.append(Array.from({ length: 300 }, (_, n) => entryOf('away', n)));
  file.append(Array.from({ length: 10 }, (_, n) => entryOf('here', n)));
  const clock = new ManualClock(0);
  const spool = new Spool([file], { maxBytes: 2 ** 30, maxAgeMs: 2 ** 40 }, { clock, log: pino({ level: 'silent' }) });
  let passes = 0;
  const canApply = async () => {
    passes += 1;
    return applicable;
  };
  const applyOne = async (text: string) => {
    if (text === 'away') throw new StoreUnavailableError('away');
  };
  const apply = (texts: readonly string[]) => Promise.allSettled(texts.map(applyOne));
  spool.start({ canApply, apply });
  await eventually(() => {
    clock.advance(10_000);
    expect(passes).toBeGreaterThan(1);
  });
  expect(spool.state?.events).toBe(310 - applied);
  await spool.stop();
});
