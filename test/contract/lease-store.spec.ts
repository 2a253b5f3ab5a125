// The contract for the leases of every store.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LeaseStore } from '../../src/storage/ports.js';
import { eventually } from '../eventually.js';
import { type OpenStorage, storesUnderTest } from './stores.js';

const LONG_MS = 3_600_000;

describe.each(storesUnderTest())('the lease store on %s', (_, open) => {
  let opened: OpenStorage;
  let leases: LeaseStore;
  beforeEach(async () => {
    opened = await open();
    leases = opened.storage.leases;
  });
  afterEach(() => opened.discard());

  const acquire = async (name = 'job', ttlMs = LONG_MS) => (await leases.acquire(name, ttlMs)) ?? Number.NaN;

  it('gives a lease to one of many at the same time', async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => leases.acquire('job', LONG_MS)));
    expect(tokens.filter((token) => token !== null)).toHaveLength(1);
    expect(await leases.acquire('job', LONG_MS)).toBeNull();
  });

  it('keeps leases with different names apart', async () => {
    const token = await acquire('job');
    expect(await leases.acquire('another', LONG_MS)).not.toBeNull();
    await leases.release('another', token);
    expect(await leases.acquire('job', LONG_MS)).toBeNull();
  });

  it('gives it again once it has been released, with a greater token', async () => {
    const first = await acquire();
    await leases.release('job', first);
    expect(await acquire()).toBeGreaterThan(first);
  });

  it('gives it again once it has ended, with a greater token', async () => {
    const first = await acquire('job', 1);
    await eventually(async () => expect(await leases.acquire('job', LONG_MS)).toBeGreaterThan(first));
  });

  it('renews a lease only for its holder', async () => {
    const first = await acquire();
    expect(await leases.renew('job', first, LONG_MS)).toBe(true);
    await leases.release('job', first);
    expect(await leases.renew('job', first, LONG_MS)).toBe(false);
    const second = await acquire();
    expect(await leases.renew('job', first, LONG_MS)).toBe(false);
    await leases.release('job', first);
    expect(await leases.renew('job', second, 1)).toBe(true);
    await eventually(async () => expect(await leases.acquire('job', LONG_MS)).not.toBeNull());
  });

  it('keeps a note that only the holder of the lease can replace', async () => {
    expect(await leases.note('job')).toBeNull();
    const first = await acquire();
    expect(await leases.note('job')).toBeNull();
    expect(await leases.saveNote('job', first, 'of the first')).toBe(true);
    await leases.release('job', first);
    expect(await leases.saveNote('job', first, 'too late')).toBe(false);
    const second = await acquire();
    expect(await leases.saveNote('job', first, 'too late')).toBe(false);
    expect(await leases.note('job')).toBe('of the first');
    expect(await leases.saveNote('job', second, 'of the second – ½')).toBe(true);
    expect(await leases.note('job')).toBe('of the second – ½');
    expect(await leases.note('another')).toBeNull();
  });
});
