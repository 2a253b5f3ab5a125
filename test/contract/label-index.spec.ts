// Which labels are indexed may be chosen anew at any time, also by another process: a query either finds everybody or is refused.
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pino } from 'pino';
import { operatorLabels } from '../../src/domain/operator-labels.js';
import { advance } from '../../src/domain/participant.js';
import { PARTICIPANT_STATES } from '../../src/domain/presence-view.js';
import type { ParticipantId } from '../../src/domain/subject.js';
import { changesetOf, readRecord } from '../../src/presence/write/changeset.js';
import { LabelIndexer } from '../../src/presence/write/label-indexer.js';
import { keyOf, subjectOf as subjectOfKey } from '../../src/storage/encoding/subject-key.js';
import { labelGroup } from '../../src/storage/label-index.js';
import { LabelsNotIndexedError, type Storage } from '../../src/storage/ports.js';
import { connected, left, policy, subjectOf } from '../domain/builders.js';
import { START_MS } from '../domain/histories.js';
import { lengthOf } from '../length.js';
import { keysOf } from './arrivals.js';
import { type OpenStorage, storesUnderTest } from './stores.js';

const NAMES = ['call', 'user'];
const VALUES = ['1', '2'];
const PARTICIPANTS = ['a', 'b', 'c'];

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        who: fc.constantFrom(...PARTICIPANTS),
        kind: fc.constantFrom('connected', 'left', 'set'),
        labels: fc.dictionary(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES)),
        /** The process that commits it. */
        by: fc.nat(1),
      }),
    },
    { weight: 2, arbitrary: fc.record({ choose: fc.subarray(NAMES), by: fc.nat(1), isFinished: fc.boolean() }) },
  ),
  { minLength: 1, maxLength: 15 },
);

function indexer(storage: Storage, names: readonly string[]): LabelIndexer {
  const log = pino({ level: 'silent' });
  return new LabelIndexer(storage.labels, storage.index, storage.records, storage, names, log);
}

describe.each(storesUnderTest())('the index of labels in %s', (_name, open) => {
  const opened: OpenStorage[] = [];
  afterEach(() => Promise.all(opened.splice(0).map(({ discard }) => discard())));

  /** Two processes on the same data; with SQLite there is only one. */
  async function processes(): Promise<[Storage, Storage]> {
    const one = await open();
    opened.push(one);
    return [one.storage, one.another?.() ?? one.storage];
  }

  async function advanceIn(
    storage: Storage,
    { who, kind, labels }: { who: string; kind: string; labels: Record<string, string> },
    nowMs: number,
  ): Promise<void> {
    const subject = { ...subjectOf(), participantId: who as ParticipantId };
    const key = keyOf(subject);
    const [text] = await storage.records.load([key]);
    const loaded = readRecord(key, text as string | null);
    const moment = { participant: who, at: nowMs, mintedLabels: Object.keys(labels).length > 0 ? labels : undefined };
    const set = kind === 'set' ? operatorLabels(subject, loaded?.record, labels, nowMs) : undefined;
    const events =
      kind === 'set' ? [set].filter((one) => one !== undefined) : [kind === 'left' ? left(moment) : connected(moment)];
    const changeset = changesetOf(key, loaded, advance(loaded?.record, events, nowMs, policy));
    if (changeset) expect(await storage.records.commit([changeset])).toEqual(['done']);
  }

  async function expectSame(storage: Storage, indexed: readonly string[]): Promise<void> {
    const { items } = await storage.index.page({ states: PARTICIPANT_STATES }, null, 10);
    const all = items.map(({ key, record }) => ({ key, record: readRecord(key, record)?.record }));
    for (const name of NAMES) {
      for (const value of VALUES) {
        const group = labelGroup(name, value);
        const page = storage.index.page({ states: PARTICIPANT_STATES, group }, null, 10);
        const counts = storage.index.occupancy({ group });
        if (!indexed.includes(name)) {
          await expect(page).rejects.toThrow(LabelsNotIndexedError);
          await expect(counts).rejects.toThrow(LabelsNotIndexedError);
          continue;
        }
        const labelsOfAll = all.map(({ key, record }) => ({ key, record, labels: labelsIn(record) }));
        const wanted = labelsOfAll.filter(({ labels }) => labels[name] === value);
        expect(keysOf((await page).items)).toEqual(wanted.map(({ key }) => key));
        const states = wanted.map(({ record }) => record?.announced.state);
        expect(await counts).toMatchObject({
          connected: states.filter((state) => state === 'connected').length,
          devices: states.filter((state) => state === 'connected').length,
        });
      }
    }
  }

  const labelsIn = (record: Parameters<typeof changesetOf>[2]['record']) => {
    const { minted, operator } = record?.labels ?? {};
    return { ...minted?.labels, ...operator?.labels } as Record<string, string>;
  };

  it('has everybody who has a label, or refuses to be asked', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (some) => {
        const storages = await processes();
        let nowMs = START_MS;
        let chosen: readonly string[] = [];
        let complete: readonly string[] = [];
        for (const step of some) {
          nowMs += 1_000;
          const storage = storages[step.by] as Storage;
          if ('who' in step) await advanceIn(storage, step, nowMs);
          else {
            chosen = step.choose;
            complete = complete.filter((name) => chosen.includes(name));
            if (step.isFinished) {
              expect(await indexer(storage, chosen).ensure()).toBe(true);
              complete = chosen;
            } else await storage.labels.choose(chosen);
          }
          for (const one of storages) await expectSame(one, complete);
        }
        await Promise.all(opened.splice(0).map(({ discard }) => discard()));
      }),
      { numRuns: lengthOf(20, 300) },
    );
  });

  it('is not completed by a process whose choice is outdated', async () => {
    const [storage, other] = await processes();
    const first = await storage.labels.choose(['call']);
    expect(first).not.toBeNull();
    const second = await other.labels.choose(['user']);
    expect(await storage.labels.complete(first ?? '')).toBe(false);
    await other.labels.choose(['call']);
    expect(await storage.labels.complete(first ?? '')).toBe(false);
    expect(await other.labels.complete(second ?? '')).toBe(false);
    const third = await storage.labels.choose(['call']);
    expect(await other.labels.complete(third ?? '')).toBe(true);
    expect(await storage.labels.choose(['call'])).toBeNull();
    expect(await storage.labels.choose([])).not.toBeNull();
  });

  it('forgets participants whose record is gone', async () => {
    const [storage] = await processes();
    expect(await indexer(storage, NAMES).ensure()).toBe(true);
    for (const who of PARTICIPANTS)
      await advanceIn(storage, { who, kind: 'connected', labels: { call: '1' } }, START_MS);
    const group = labelGroup('call', '1');
    const { items } = await storage.index.page({ states: PARTICIPANT_STATES, group }, null, 10);
    expect(items.map(({ key }) => subjectOfKey(key).participantId)).toEqual(PARTICIPANTS);
    const [one] = opened as [OpenStorage];
    const rest = await one.deleteRecords(items.slice(1).map(({ key }) => key));
    await one.repair();
    expect(await rest.index.occupancy({ group })).toMatchObject({ connected: 1, devices: 1 });
    expect(keysOf((await rest.index.page({ states: PARTICIPANT_STATES, group }, null, 10)).items)).toEqual(
      keysOf(items.slice(0, 1)),
    );
  });
});
