import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { readRecord } from '../../src/presence/write/changeset.js';
import { Recorder } from '../../src/presence/write/recorder.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { type RecordStore, StoreUnavailableError } from '../../src/storage/ports.js';
import { changesAfter } from '../contract/feed.js';
import { indexOf } from '../contract/index-entry.js';
import { type OpenStorage, storesByLayout } from '../contract/stores.js';
import { watched } from '../contract/watched-storage.js';
import { connected, disconnected, left, policy } from '../domain/builders.js';
import { START_MS } from '../domain/histories.js';
import { ManualClock } from '../manual-clock.js';

const log = pino({ level: 'silent' });

describe.each(storesByLayout())('the recorder on %s', (_, open) => {
  let opened: OpenStorage;
  let clock: ManualClock;
  beforeEach(async () => {
    opened = await open();
    clock = new ManualClock(START_MS);
  });
  afterEach(() => opened.discard());

  const recorderOn = (records: RecordStore) => new Recorder(records, clock, () => policy, log);
  const viewOf = async (participant: string) => {
    const [text] = await opened.storage.records.load([participant as SubjectKey]);
    return readRecord(participant as SubjectKey, text as string | null)?.record.announced;
  };

  it('resolves only after the event is stored', async () => {
    const recorder = recorderOn(opened.storage.records);
    expect(await recorder.record(connected({ at: START_MS }))).toBe('applied');
    expect(await viewOf('p1')).toMatchObject({ state: 'connected' });
    expect(await recorder.record(connected({ at: START_MS }))).toBe('duplicate');
  });

  it('collects events into a batch while two batches are in flight', async () => {
    const { storage, loads, hold } = watched(opened.storage);
    const release = hold();
    const recorder = recorderOn(storage.records);
    const arrive = (from: number, count: number) =>
      Array.from({ length: count }, (_unused, n) =>
        recorder.record(connected({ participant: `p${from + n}`, at: START_MS })),
      );
    const answers = arrive(0, 1);
    await new Promise(setImmediate);
    answers.push(...arrive(1, 2));
    await new Promise(setImmediate);
    answers.push(...arrive(3, 127));
    await new Promise(setImmediate);
    expect(loads.map(({ length }) => length)).toEqual([1, 2]);
    release();
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['applied']));
    expect(loads.map(({ length }) => length)).toEqual([1, 2, 127]);
  });

  it('starts full batches while others are in flight, up to two per turn of the event loop and 16 in total', async () => {
    const { storage, loads, hold } = watched(opened.storage);
    const release = hold();
    const recorder = recorderOn(storage.records);
    const answers = Array.from({ length: 17 * 128 + 1 }, (_unused, n) =>
      recorder.record(connected({ participant: `p${n}`, at: START_MS })),
    );
    await new Promise(setImmediate);
    expect(loads).toHaveLength(2);
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    expect(loads.map(({ length }) => length)).toEqual(Array.from({ length: 16 }, () => 128));
    release();
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['applied']));
    expect(loads.map(({ length }) => length)).toEqual([...Array.from({ length: 17 }, () => 128), 1]);
  });

  it('never has a participant in two batches at once, and folds the events that arrive meanwhile together', async () => {
    const { storage, loads, hold } = watched(opened.storage);
    const release = hold();
    const recorder = recorderOn(storage.records);
    const first = recorder.record(connected({ at: START_MS }));
    await new Promise(setImmediate);
    const later = [disconnected({ at: START_MS + 1 }), left({ at: START_MS + 1 }), left({ at: START_MS + 1 })].map(
      (event) => recorder.record(event),
    );
    await new Promise(setImmediate);
    expect(loads).toEqual([['p1']]);
    release();
    expect(await Promise.all([first, ...later])).toEqual(['applied', 'applied', 'applied', 'duplicate']);
    expect(loads).toEqual([['p1'], ['p1']]);
    const changes = (await changesAfter(opened.storage.feed, opened.startPosition)).map(({ type }) => type);
    expect(changes).toEqual(['device.connected', 'participant.connected', 'device.gone', 'participant.gone']);
  });

  it('retries after a conflict with another writer, without losing either event', async () => {
    const writers = [
      recorderOn(opened.storage.records),
      recorderOn(opened.storage.records),
      recorderOn(opened.storage.records),
    ];
    const events = Array.from({ length: 30 }, (_unused, n) => connected({ device: `d${n}`, at: START_MS + n }));
    const verdicts = await Promise.all(events.flatMap((event) => writers.map((writer) => writer.record(event))));
    expect(verdicts.filter((verdict) => verdict === 'applied')).toHaveLength(30);
    expect(verdicts.filter((verdict) => verdict === 'duplicate')).toHaveLength(60);
    expect((await viewOf('p1'))?.devices).toHaveLength(30);
    const changes = await changesAfter(opened.storage.feed, opened.startPosition);
    expect(changes.filter(({ type }) => type === 'device.connected')).toHaveLength(30);
    const versions = changes.map(({ version }) => version);
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  });

  it('rejects only the callbacks that a store failure affects', async () => {
    const { storage, failFor, hold, commits } = watched(opened.storage);
    failFor((id) => id === 'bad');
    const release = hold();
    const recorder = recorderOn(storage.records);
    const answers = Promise.allSettled(
      ['good', 'bad', 'fine'].map((participant) => recorder.record(connected({ participant, at: START_MS }))),
    );
    release();
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(commits).toEqual([['good', 'bad', 'fine']]);
    expect(await viewOf('bad')).toBeUndefined();
  });

  it('rejects only the participant whose record cannot be read', async () => {
    const key = 'broken' as SubjectKey;
    await opened.storage.records.commit([
      { key, before: null, after: { record: 'not a record', index: indexOf() }, changes: null },
    ]);
    const recorder = recorderOn(opened.storage.records);
    const [broken, sound] = await Promise.allSettled(
      ['broken', 'sound'].map((participant) => recorder.record(connected({ participant, at: START_MS }))),
    );
    expect(broken).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailableError) });
    expect(sound).toMatchObject({ status: 'fulfilled', value: 'applied' });
  });

  it('rejects within the time limit when the store does not answer, and leaves nothing half done', async () => {
    const { storage, hold } = watched(opened.storage);
    const release = hold();
    const recorder = recorderOn(storage.records);
    const inFlight = recorder.record(connected({ participant: 'in-flight', at: START_MS }));
    await new Promise(setImmediate);
    const waiting = recorder.record(disconnected({ participant: 'in-flight', at: START_MS + 1 }));
    clock.advance(1_999);
    await new Promise(setImmediate);
    const late = recorder.record(connected({ participant: 'late', at: START_MS }));
    clock.advance(1);
    await expect(inFlight).rejects.toThrow(StoreUnavailableError);
    await expect(waiting).rejects.toThrow(StoreUnavailableError);
    release();
    expect(await late).toBe('applied');
    expect(await recorder.record(connected({ participant: 'after', at: START_MS }))).toBe('applied');
    expect(await viewOf('in-flight')).toMatchObject({ state: 'connected' });
  });

  it('continues with waiting events after the first ones have timed out', async () => {
    const { storage, hold } = watched(opened.storage);
    const release = hold();
    const recorder = recorderOn(storage.records);
    const early = Array.from({ length: 601 }, (_unused, n) => recorder.record(connected({ at: START_MS + n })));
    const outcomes = Promise.allSettled(early);
    await new Promise(setImmediate);
    clock.advance(1_500);
    const late = recorder.record(left({ at: START_MS + 9_000 }));
    clock.advance(500);
    expect((await outcomes).every(({ status }) => status === 'rejected')).toBe(true);
    release();
    expect(await late).toBe('applied');
  });

  it('commits large records in parts', async () => {
    const recorder = recorderOn(opened.storage.records);
    const names = Array.from({ length: 20 }, (_unused, n) => `p${n}`);
    const device = (n: number) => `${n}`.padEnd(256, 'x');
    const large = names.flatMap((participant) =>
      Array.from({ length: 30 }, (_unused, n) => connected({ participant, device: device(n), at: START_MS + n })),
    );
    await Promise.all(large.map((event) => recorder.record(event)));
    const { storage, loads, commits } = watched(opened.storage);
    const other = recorderOn(storage.records);
    await Promise.all(
      names.map((participant) => other.record(left({ participant, device: device(0), at: START_MS + 99 }))),
    );
    expect(loads.map(({ length }) => length)).toEqual([20]);
    expect(commits.length).toBeGreaterThan(2);
    expect(commits.flat()).toEqual(names);
  });

  it('refuses events that it could not answer in time', async () => {
    const { storage, hold } = watched(opened.storage);
    const release = hold();
    const recorder = recorderOn(storage.records);
    const answers = Array.from({ length: 20_001 }, (_unused, n) => recorder.record(connected({ at: START_MS + n })));
    await expect(answers.at(-1)).rejects.toThrow('too many updates are queued');
    release();
    expect(await answers[0]).toBe('applied');
    clock.advance(2_000);
    await Promise.allSettled(answers);
  });

  describe('a purge', () => {
    const p1 = ['p1' as SubjectKey];
    const hasOneDevice = ({ devices }: { devices: ReadonlyMap<unknown, unknown> }) => devices.size === 1;
    const latestStateInFeed = async () =>
      (await changesAfter(opened.storage.feed, opened.startPosition)).findLast(({ type }) =>
        type.startsWith('participant.'),
      )?.state;

    it('is applied after the events waiting with it, and ends the presence that they start', async () => {
      const { storage, hold } = watched(opened.storage);
      const release = hold();
      const recorder = recorderOn(storage.records);
      const outcomes = Promise.all([
        recorder.record(connected({ at: START_MS })),
        recorder.purge(p1, () => true),
        recorder.record(connected({ device: 'd2', at: START_MS })),
      ]);
      release();
      expect(await outcomes).toEqual(['applied', 1, 'applied']);
      expect(await viewOf('p1')).toBeUndefined();
      const changes = (await changesAfter(opened.storage.feed, opened.startPosition)).map(({ type }) => type);
      expect(changes.filter((type) => type === 'device.gone')).toHaveLength(2);
      expect(changes.at(-1)).toBe('participant.gone');
    });

    it('re-evaluates a participant that another writer has changed meanwhile', async () => {
      const other = recorderOn(opened.storage.records);
      await other.record(connected({ at: START_MS }));
      let isFirst = true;
      const { records } = opened.storage;
      const withConflict: RecordStore = {
        load: (keys) => records.load(keys),
        commit: async (changesets) => {
          if (isFirst) await other.record(connected({ device: 'd2', at: START_MS }));
          isFirst = false;
          return records.commit(changesets);
        },
        claimDue: (claim) => records.claimDue(claim),
        size: () => records.size(),
      };
      expect(await recorderOn(withConflict).purge(p1, hasOneDevice)).toBe(0);
      expect(await viewOf('p1')).toMatchObject({ state: 'connected', devices: [{}, {}] });
      expect(await recorderOn(opened.storage.records).purge(p1, (record) => !hasOneDevice(record))).toBe(1);
      expect(await recorderOn(opened.storage.records).purge(p1, () => true)).toBe(0);
    });

    it('keeps the feed, the counts and the store consistent with concurrent events from other writers', async () => {
      const [writer, operator] = [recorderOn(opened.storage.records), recorderOn(opened.storage.records)];
      for (let n = 0; n < 20; n += 1) {
        const events = [connected({ device: `d${n}`, at: START_MS + n }), connected({ device: 'd', at: START_MS + n })];
        const written = events.map((event) => writer.record(event));
        await Promise.all([...written, operator.purge(p1, () => true)]);
        const view = await viewOf('p1');
        expect(await latestStateInFeed()).toBe(view?.state ?? 'gone');
        expect(await opened.storage.index.occupancy({})).toMatchObject({
          connected: view ? 1 : 0,
          devices: view?.devices.length ?? 0,
        });
      }
    });
  });
});
