// The same random histories through every store and the pure rules, compared after every step.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { changesetOf, indexEntry, readRecord } from '../../src/presence/changeset.js';
import type { Change } from '../../src/presence/domain/change.js';
import type { LifecycleEvent, ParticipantId } from '../../src/presence/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/presence/domain/participant.js';
import { PRESENCE_STATES } from '../../src/presence/domain/presence-view.js';
import { mergePages } from '../../src/presence/page-order.js';
import type { PresenceStore } from '../../src/presence/presence-store.js';
import { encodeRecord } from '../../src/presence/record-codec.js';
import { policy as defaults, eventOf } from '../presence/domain/builders.js';
import { START_MS } from '../presence/domain/histories.js';
import { changesAfter } from './feed.js';
import { type OpenStore, storesUnderTest } from './stores.js';

const policy = { ...defaults, leaveGraceMs: 2_000, maxConnectionMs: 60_000, retentionMs: 90_000 };
const IDS = ['p1', 'p2', 'p3', 'p4'] as ParticipantId[];
const TAGS = ['red', 'blue'];

const events = fc.array(
  fc.record({
    kind: fc.constantFrom<LifecycleEvent['kind'][]>('connected', 'connected', 'disconnected', 'left'),
    participant: fc.constantFrom(...IDS),
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
  readonly records = new Map<ParticipantId, ParticipantRecord>();
  readonly changes: Change[] = [];

  step(id: ParticipantId, heard: LifecycleEvent[], nowMs: number): void {
    const { record, changes } = advance(this.records.get(id), heard, nowMs, policy);
    if (record) this.records.set(id, record);
    else this.records.delete(id);
    this.changes.push(...changes);
  }
}

async function stepStore(
  store: PresenceStore,
  id: ParticipantId,
  heard: LifecycleEvent[],
  nowMs: number,
): Promise<void> {
  const [text] = await store.load([id]);
  const loaded = readRecord(id, text as string | null);
  const changeset = changesetOf(id, loaded, advance(loaded?.record, heard, nowMs, policy));
  if (changeset) expect(await store.commit([changeset])).toEqual(['done']);
}

async function expectSame({ store, beginning }: OpenStore, { records, changes }: Model, nowMs: number): Promise<void> {
  const texts = IDS.map((id) => records.get(id)).map((record) => (record ? encodeRecord(record) : null));
  expect(await store.load(IDS)).toEqual(texts);
  const entries = [...records].map(([participantId, record]) => ({
    participantId,
    record: encodeRecord(record),
    ...indexEntry(record),
  }));
  for (const tag of [undefined, ...TAGS]) {
    const tagged = entries.filter((entry) => tag === undefined || entry.tag === tag);
    const count = (state: string) => tagged.filter((entry) => entry.state === state).length;
    for (const state of PRESENCE_STATES) {
      const expected = mergePages(
        tagged.filter((entry) => entry.state === state).map((entry) => [entry]),
        100,
      );
      const items = expected.map(({ participantId, sinceMs, record }) => ({ participantId, sinceMs, record }));
      expect((await store.page({ states: [state], ...(tag && { tag }) }, null, 100)).items).toEqual(items);
    }
    const devices = tagged.reduce((sum, entry) => sum + entry.devices, 0);
    const occupancy = { connected: count('connected'), reconnecting: count('reconnecting'), devices };
    expect(await store.occupancy(tag)).toEqual(occupancy);
    const listed = (await store.tags(null, 10)).items.filter((item) => item.tag === tag);
    expect(listed).toEqual(tag && count('connected') + count('reconnecting') > 0 ? [{ tag, ...occupancy }] : []);
  }
  const { participantIds, nextDueMs } = await store.due(nowMs, 100);
  expect([...participantIds].sort()).toEqual(
    entries
      .filter(({ dueMs }) => dueMs <= nowMs)
      .map(({ participantId }) => participantId)
      .sort(),
  );
  expect(nextDueMs ?? Number.POSITIVE_INFINITY).toBe(
    Math.min(...entries.map(({ dueMs }) => dueMs).filter((due) => due > nowMs)),
  );
  const feed = await changesAfter(store, beginning);
  for (const id of IDS) {
    const ofOne = ({ participantId }: Change) => participantId === id;
    expect(feed.filter(ofOne)).toEqual(changes.filter(ofOne));
  }
}

describe('random histories', () => {
  const stores = storesUnderTest();

  it('are the same to every store as to the pure rules, after every step', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        const opened = await Promise.all(stores.map(([, open]) => open()));
        const model = new Model();
        let nowMs = START_MS;
        for (const { events: heard, passMs } of history) {
          nowMs += passMs;
          for (const id of IDS) {
            const own = heard
              .filter(({ participant }) => participant === id)
              .map(({ kind, agoMs, ...parts }) => eventOf(kind, { ...parts, at: nowMs - agoMs, heardAt: nowMs }));
            model.step(id, own, nowMs);
            for (const { store } of opened) await stepStore(store, id, own, nowMs);
          }
          for (const one of opened) await expectSame(one, model, nowMs);
        }
        await Promise.all(opened.map(({ discard }) => discard()));
      }),
      { numRuns: 40 },
    );
  });
});
