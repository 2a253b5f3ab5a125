// Concurrent requests share a read, and none gets a result that is older than the request.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { LifecycleEvent } from '../../src/domain/lifecycle-event.js';
import { DEFAULT_POLICY } from '../../src/domain/policy.js';
import { SharedLoads } from '../../src/presence/read/shared-loads.js';
import { SharedReads } from '../../src/presence/read/shared-reads.js';
import { Recorder } from '../../src/presence/write/recorder.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { type RecordStore, StoreUnavailableError } from '../../src/storage/ports.js';
import { BANDWIDTH } from '../contract/index-entry.js';
import { type OpenStorage, storesByLayout } from '../contract/stores.js';
import { watched } from '../contract/watched-storage.js';
import { ManualClock } from '../manual-clock.js';

const T0 = 1_790_000_000_000;
const ids = (count: number) => Array.from({ length: count }, (_, n) => `p${n}` as SubjectKey);

describe.each(storesByLayout())('shared loads on %s', (_, open) => {
  let opened: OpenStorage;
  let recorder: Recorder;
  beforeEach(async () => {
    opened = await open();
    recorder = new Recorder(
      opened.storage.records,
      new ManualClock(T0),
      () => DEFAULT_POLICY,
      pino({ level: 'silent' }),
    );
  });
  afterEach(() => opened.discard());

  const connect = (participantId: string, occurredAtMs = T0) =>
    recorder.record({
      subject: { source: BANDWIDTH, scope: '', participantId },
      deviceId: 'd',
      kind: 'connected',
      occurredAtMs,
      receivedAtMs: T0,
    } as LifecycleEvent);

  it('combine concurrent requests into one load, and return each its own result', async () => {
    await Promise.all(ids(50).map((id) => connect(id)));
    const watch = watched(opened.storage);
    const loads = new SharedLoads(watch.storage.records);
    const alone = await opened.storage.records.load(ids(60));
    const shared = await Promise.all(ids(60).map((id) => loads.load([id])));
    expect(shared).toEqual(alone.map((text) => [text]));
    expect(shared.at(-1)).toEqual([null]);
    expect(watch.loads).toHaveLength(1);
  });

  it('are limited to the maximum size of one load', async () => {
    const watch = watched(opened.storage);
    const loads = new SharedLoads(watch.storage.records);
    await Promise.all([loads.load(ids(700)), loads.load(ids(700)), loads.load(ids(1)), loads.load(ids(1_000))]);
    expect(watch.loads.map(({ length }) => length)).toEqual([700, 701, 1_000]);
  });

  it('start after the request, so that the result includes everything recorded before', async () => {
    const watch = watched(opened.storage);
    const loads = new SharedLoads(watch.storage.records);
    await connect('p' as SubjectKey);
    for (let n = 1; n <= 20; n += 1) {
      const before = loads.load(['p' as SubjectKey]);
      await connect('p' as SubjectKey, T0 + n);
      const [text] = await loads.load(['p' as SubjectKey]);
      expect(text).toBe((await opened.storage.records.load(['p' as SubjectKey]))[0]);
      await before;
    }
  });

  it('fail only for requests whose records are unavailable', async () => {
    const unavailable = new StoreUnavailableError('away');
    const partly = new Proxy<RecordStore>(opened.storage.records, {
      get: (target, name) =>
        name === 'load'
          ? async (of: SubjectKey[]) => of.map((id) => (id === 'p1' ? unavailable : null))
          : Reflect.get(target, name),
    });
    const loads = new SharedLoads(partly);
    const answers = await Promise.allSettled([
      loads.load(ids(1)),
      loads.load(ids(2)),
      loads.load(['p2' as SubjectKey]),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});

describe('shared reads', () => {
  it('run once for concurrent requests, and once more for requests that arrive meanwhile', async () => {
    const reads = new SharedReads<number>();
    let count = 0;
    let finish = () => {};
    const read = () => {
      count += 1;
      const result = count;
      return new Promise<number>((resolve) => {
        finish = () => resolve(result);
      });
    };
    const first = [reads.read('a', read), reads.read('a', read)];
    await new Promise(setImmediate);
    const second = [reads.read('a', read), reads.read('a', read)];
    expect(count).toBe(1);
    finish();
    expect(await Promise.all(first)).toEqual([1, 1]);
    await new Promise(setImmediate);
    expect(count).toBe(2);
    finish();
    expect(await Promise.all(second)).toEqual([2, 2]);
  });

  it('with different keys do not wait for each other', async () => {
    const reads = new SharedReads<string>();
    const never = reads.read('a', () => new Promise(() => {}));
    expect(await reads.read('b', async () => 'b')).toBe('b');
    expect(await Promise.race([never, Promise.resolve('waits')])).toBe('waits');
  });

  it('that fail reject all requests that share them, but no later ones', async () => {
    const reads = new SharedReads<string>();
    const fail = () => Promise.reject(new Error('away'));
    const answers = await Promise.allSettled([reads.read('a', fail), reads.read('a', fail)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await reads.read('a', async () => 'back')).toBe('back');
  });
});
