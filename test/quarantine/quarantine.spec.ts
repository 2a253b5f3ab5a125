// What the quarantine counts as dropped.
import { expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { SourceName } from '../../src/domain/subject.js';
import { Metrics } from '../../src/observability/metrics/metrics.js';
import { Quarantine } from '../../src/quarantine/quarantine.js';
import { QuarantineTrimmer } from '../../src/quarantine/quarantine-trimmer.js';
import { openSqlite } from '../contract/stores.js';
import { ManualClock } from '../manual-clock.js';

const CALLBACK = {
  source: 'bandwidth' as SourceName,
  reason: 'unknown-event',
  contentType: 'application/json',
  body: Buffer.from('{}'),
  requestId: 'r1',
} as const;

async function dropped(work: (quarantine: Quarantine) => unknown): Promise<number | undefined> {
  const clock = new ManualClock(0);
  const log = pino({ level: 'silent' });
  const limits = { maxCount: 10, maxBytes: 1_000, retentionMs: 1_000 };
  const metrics = new Metrics();
  const { storage, discard } = await openSqlite();
  const store = Object.assign(storage.quarantine, { add: () => Promise.reject(new Error('a bug')) });
  const trimmer = new QuarantineTrimmer(store, limits, clock, log);
  const quarantine = new Quarantine(store, limits, trimmer, clock, log, metrics);
  await work(quarantine);
  await quarantine.stop();
  await discard();
  return (await metrics.snapshot()).find(({ name }) => name.includes('dropped'))?.values[0]?.value;
}

it('counts callbacks that the store does not take for another reason than an outage as dropped', async () => {
  const keep = (quarantine: Quarantine) => {
    for (let n = 0; n < 3; n += 1) quarantine.keep({ ...CALLBACK, receivedAtMs: n });
  };
  expect(await dropped(keep)).toBe(3);
});

it('does not count callbacks as dropped that their sender still has', async () => {
  const keep = async (quarantine: Quarantine) => {
    expect(await quarantine.keepDurably([{ ...CALLBACK, receivedAtMs: 1 }])).toBe('failed');
  };
  expect(await dropped(keep)).toBe(0);
});
