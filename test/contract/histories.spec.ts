// The same random histories through every store and the pure rules, compared after every step.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Change } from '../../src/domain/change.js';
import type { LifecycleEvent } from '../../src/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import { PRESENCE_STATES } from '../../src/domain/presence-view.js';
import type { SourceName } from '../../src/domain/subject.js';
import { changesetOf, indexEntry, readRecord } from '../../src/presence/write/changeset.js';
import { encodeRecord } from '../../src/storage/encoding/record-codec.js';
import { keyOf, type SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { mergePages } from '../../src/storage/page-order.js';
import type { Group, IndexEntry, OccupancyFilter, PageFilter, Storage } from '../../src/storage/ports.js';
import { policy as defaults, eventOf, subjectOf } from '../domain/builders.js';
import { START_MS } from '../domain/histories.js';
import { changesAfter } from './feed.js';
import { type OpenStorage, storesUnderTest } from './stores.js';

const policy = { ...defaults, leaveGraceMs: 2_000, maxConnectionMs: 60_000, retentionMs: 90_000 };
/** Some of them differ by source or scope alone. */
const SUBJECTS = [
  { participant: 'p1' },
  { participant: 'p2' },
  { source: 'livekit', participant: 'p1' },
  { source: 'livekit', scope: 'r1', participant: 'p1' },
  { source: 'livekit', scope: 'r2', participant: 'p1' },
  { source: 'livekit', scope: 'r2', participant: 'p2' },
];
const KEYS = SUBJECTS.map((parts) => keyOf(subjectOf(parts)));
const SOURCES = [undefined, 'bandwidth', 'livekit', 'nobody'] as (SourceName | undefined)[];
const GROUPS: Group[] = [
  { kind: 'tag', name: 'red' },
  { kind: 'tag', name: 'blue' },
  { kind: 'scope', name: 'r1' },
  { kind: 'scope', name: 'r2' },
  { kind: 'id', name: 'p1' },
];
const TAGS = ['red', 'blue'];

const events = fc.array(
  fc.record({
    kind: fc.constantFrom<LifecycleEvent['kind'][]>('connected', 'connected', 'disconnected', 'left'),
    subject: fc.constantFrom(...SUBJECTS),
    device: fc.constantFrom('d1', 'd2', 'd3'),
    agoMs: fc.constantFrom(0, 500, 3_000),
    tag: fc.constantFrom(undefined, ...TAGS),
  }),
  { maxLength: 6 },
);
const steps = fc.array(fc.record({ events, passMs: fc.constantFrom(0, 1_000, 16_000, 61_000, 100_000) }), {
  minLength: 1,
  maxLength: 12,
});

class Model {
  readonly records = new Map<SubjectKey, ParticipantRecord>();
  readonly changes: Change[] = [];

  step(id: SubjectKey, received: LifecycleEvent[], nowMs: number): void {
    const { record, changes } = advance(this.records.get(id), received, nowMs, policy);
    if (record) this.records.set(id, record);
    else this.records.delete(id);
    this.changes.push(...changes);
  }
}

async function stepStore(storage: Storage, id: SubjectKey, received: LifecycleEvent[], nowMs: number): Promise<void> {
  const [text] = await storage.records.load([id]);
  const loaded = readRecord(id, text as string | null);
  const changeset = changesetOf(id, loaded, advance(loaded?.record, received, nowMs, policy));
  if (changeset) expect(await storage.records.commit([changeset])).toEqual(['done']);
}

async function expectSame(
  { storage, beginning }: OpenStorage,
  { records, changes }: Model,
  nowMs: number,
): Promise<void> {
  const texts = KEYS.map((key) => records.get(key)).map((record) => (record ? encodeRecord(record) : null));
  expect(await storage.records.load(KEYS)).toEqual(texts);
  const entries = [...records].map(([key, record]) => ({ key, record: encodeRecord(record), ...indexEntry(record) }));
  for (const source of SOURCES) {
    for (const group of [undefined, ...GROUPS]) await expectSameIndex(storage, entries, { source, group });
    for (const tag of TAGS) {
      const filter = { source, group: { kind: 'tag', name: tag } as const };
      const occupancy = await storage.index.occupancy(filter);
      const listed = (await storage.index.tags(source, null, 10)).items.filter((item) => item.tag === tag);
      expect(listed).toEqual(occupancy.connected + occupancy.reconnecting > 0 ? [{ tag, ...occupancy }] : []);
    }
  }
  expect(await storage.index.sources()).toEqual(
    expect.arrayContaining([...new Set(entries.map(({ source }) => source))]),
  );
  const { keys, nextDueMs } = await storage.records.due(nowMs, 100);
  expect([...keys].sort()).toEqual(
    entries
      .filter(({ dueMs }) => dueMs <= nowMs)
      .map(({ key }) => key)
      .sort(),
  );
  expect(nextDueMs ?? Number.POSITIVE_INFINITY).toBe(
    Math.min(...entries.map(({ dueMs }) => dueMs).filter((due) => due > nowMs)),
  );
  const feed = await changesAfter(storage.feed, beginning);
  for (const id of KEYS) {
    const ofOne = ({ subject }: Change) => keyOf(subject) === id;
    expect(feed.filter(ofOne)).toEqual(changes.filter(ofOne));
  }
}

type Entry = IndexEntry & { readonly key: SubjectKey; readonly record: string };

/** What is found in an index is what a look at everybody finds. */
async function expectSameIndex(storage: Storage, entries: readonly Entry[], filter: Omit<PageFilter, 'states'>) {
  const { source, group } = filter;
  const wanted = entries.filter(
    (entry) =>
      (source === undefined || entry.source === source) &&
      (group === undefined || entry.groups.some(({ kind, name }) => kind === group.kind && name === group.name)),
  );
  const count = (state: string) => wanted.filter((entry) => entry.state === state).length;
  for (const state of PRESENCE_STATES) {
    const expected = mergePages(
      wanted.filter((entry) => entry.state === state).map((entry) => [entry]),
      100,
    );
    const items = expected.map(({ key, sinceMs, record }) => ({ key, sinceMs, record }));
    expect((await storage.index.page({ states: [state], ...filter }, null, 100)).items).toEqual(items);
  }
  if (group?.kind === 'id') return;
  const devices = wanted.reduce((sum, entry) => sum + entry.devices, 0);
  const occupancy = { connected: count('connected'), reconnecting: count('reconnecting'), devices };
  expect(await storage.index.occupancy(filter as OccupancyFilter)).toEqual(occupancy);
}

describe('random histories', () => {
  const stores = storesUnderTest();

  it('are the same to every store as to the pure rules, after every step', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        const opened = await Promise.all(stores.map(([, open]) => open()));
        const model = new Model();
        let nowMs = START_MS;
        for (const { events: received, passMs } of history) {
          nowMs += passMs;
          for (const [n, subject] of SUBJECTS.entries()) {
            const key = KEYS[n] as SubjectKey;
            const own = received
              .filter((event) => event.subject === subject)
              .map(({ kind, agoMs, ...parts }) =>
                eventOf(kind, { ...subject, ...parts, at: nowMs - agoMs, receivedAt: nowMs }),
              );
            model.step(key, own, nowMs);
            for (const { storage } of opened) await stepStore(storage, key, own, nowMs);
          }
          for (const one of opened) await expectSame(one, model, nowMs);
        }
        await Promise.all(opened.map(({ discard }) => discard()));
      }),
      { numRuns: 40 },
    );
  });
});
