// The contract for the deliveries of every store.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { newTimedId } from '../../src/storage/timed-id.js';
import type { DeliveryStore } from '../../src/storage/webhook-ports.js';
import { DELIVERY_LIMITS, deliveryRecord, deliveryUpdate } from './delivery-update.js';
import { type OpenStorage, storesUnderTest } from './stores.js';

const LONG_MS = 3_600_000;

describe.each(storesUnderTest())('the delivery store on %s', (_, open) => {
  let opened: OpenStorage;
  let deliveries: DeliveryStore;
  let lease: { readonly name: string; readonly token: number };
  beforeEach(async () => {
    opened = await open();
    deliveries = opened.storage.deliveries;
    lease = { name: 'job', token: Number(await opened.storage.leases.acquire('job', LONG_MS)) };
  });
  afterEach(() => opened.discard());

  const save = (...updates: ReturnType<typeof deliveryUpdate>[]) => deliveries.save(lease, updates, DELIVERY_LIMITS);
  const texts = async (log: 'attempts' | 'dead-letters', id = 'a') =>
    (await deliveries.page(log, id, null, 100)).map(({ text }) => text);

  it('stores states and records together', async () => {
    expect(await deliveries.state('a')).toBeNull();
    expect(await save(deliveryUpdate('a', 'one – ½'), deliveryUpdate('b', 'two'))).toBe(true);
    expect(await deliveries.state('a')).toBe('one – ½');
    expect(await deliveries.states()).toEqual(
      new Map([
        ['a', 'one – ½'],
        ['b', 'two'],
      ]),
    );
    expect(await texts('attempts')).toEqual(['attempt']);
    expect(await texts('dead-letters', 'b')).toEqual(['dead letter']);
    expect(await save(deliveryUpdate('a', 'three'))).toBe(true);
    expect(await deliveries.state('a')).toBe('three');
    expect(await texts('attempts')).toEqual(['attempt', 'attempt']);
  });

  it('stores nothing for a process that has lost the lease', async () => {
    const { leases } = opened.storage;
    await save(deliveryUpdate('a', 'one'));
    await leases.release('job', lease.token);
    expect(await save(deliveryUpdate('a', 'two'))).toBe(false);
    const token = Number(await leases.acquire('job', LONG_MS));
    expect(await save(deliveryUpdate('a', 'two'))).toBe(false);
    expect(await deliveries.save({ name: 'another', token }, [deliveryUpdate('a', 'two')], DELIVERY_LIMITS)).toBe(
      false,
    );
    expect(await deliveries.state('a')).toBe('one');
    expect(await texts('attempts')).toEqual(['attempt']);
    lease = { name: 'job', token };
    expect(await save(deliveryUpdate('a', 'two'))).toBe(true);
  });

  it('stores many states at once', async () => {
    const ids = Array.from({ length: 300 }, (_unused, n) => `id${n}`);
    expect(await save(...ids.map((id) => deliveryUpdate(id, `state of ${id}`)))).toBe(true);
    expect(await deliveries.states()).toEqual(new Map(ids.map((id) => [id, `state of ${id}`])));
  });

  it('pages through records, newest first', async () => {
    const records = [1, 2, 3].map((n) => deliveryRecord(`${n} – ½`, n));
    await save({ ...deliveryUpdate('a'), records: { attempts: records, 'dead-letters': [] } } as never);
    const newest = await deliveries.page('attempts', 'a', null, 2);
    expect(newest).toEqual([records[2], records[1]]);
    expect(await deliveries.page('attempts', 'a', newest[1]?.id ?? null, 2)).toEqual([records[0]]);
    expect(await deliveries.page('attempts', 'b', null, 2)).toEqual([]);
    expect(await texts('dead-letters')).toEqual([]);
  });

  it('finds, counts and removes a record', async () => {
    const update = deliveryUpdate('a');
    await save(update);
    const [{ id } = { id: newTimedId(1) }] = update.records['dead-letters'];
    expect(await deliveries.count('dead-letters', 'a')).toBe(1);
    expect(await deliveries.record('dead-letters', 'a', id)).toBe('dead letter');
    expect(await deliveries.record('attempts', 'a', id)).toBeNull();
    expect(await deliveries.remove('dead-letters', 'a', newTimedId(1_000))).toBe(false);
    expect(await deliveries.remove('dead-letters', 'a', id)).toBe(true);
    expect(await deliveries.remove('dead-letters', 'a', id)).toBe(false);
    expect(await deliveries.count('dead-letters', 'a')).toBe(0);
    expect(await texts('attempts')).toEqual(['attempt']);
  });

  it('drops the oldest records beyond a limit', async () => {
    const records = [1, 2, 3, 4, 5].map((n) => deliveryRecord(`${n}`, n));
    const logs = { attempts: records, 'dead-letters': records };
    await save({ ...deliveryUpdate('a'), records: logs } as never);
    expect(await texts('attempts')).toEqual(['5', '4', '3']);
    expect(await texts('dead-letters')).toEqual(['5', '4']);
    const limits = { ...DELIVERY_LIMITS, attempts: { maxCount: 3, oldestMs: 5 } };
    const none = { ...deliveryUpdate('a'), records: { attempts: [], 'dead-letters': [] } };
    await deliveries.save(lease, [none], limits);
    expect(await texts('attempts')).toEqual(['5']);
    expect(await texts('dead-letters')).toEqual(['5', '4']);
  });

  it('adds an attempt without a lease', async () => {
    for (const n of [1, 2, 3, 4]) await deliveries.addAttempt('a', deliveryRecord(`${n}`, n), 3);
    expect(await texts('attempts')).toEqual(['4', '3', '2']);
    expect(await deliveries.state('a')).toBeNull();
    await deliveries.forget(['a']);
    expect(await texts('attempts')).toEqual([]);
  });

  it('forgets endpoints', async () => {
    await save(deliveryUpdate('a'), deliveryUpdate('b'));
    await deliveries.forget(['a', 'unknown']);
    await deliveries.forget([]);
    expect(await deliveries.states()).toEqual(new Map([['b', 'state']]));
    expect(await texts('attempts')).toEqual([]);
    expect(await texts('attempts', 'b')).toEqual(['attempt']);
  });
});
