// What every store must do when somebody deletes a record without it: it is as if the participant had never been stored.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { KNOWN_AVAILABILITIES } from '../../src/domain/availability.js';
import { PRESENCE_STATES } from '../../src/domain/presence-view.js';
import { keyOf } from '../../src/storage/encoding/subject-key.js';
import type { Changeset, Group, Storage } from '../../src/storage/ports.js';
import { shardNumber } from '../../src/storage/redis/shard.js';
import { subjectOf } from '../domain/builders.js';
import { eventually } from '../eventually.js';
import { lengthOf } from '../length.js';
import { stored } from './arrivals.js';
import { tagged } from './index-entry.js';
import { MAX_SHARDS, type OpenStorage, storesUnderTest } from './stores.js';

const TAGS = ['red', 'blue'];
const GROUPS: Group[] = [...TAGS.map(tagged), { kind: 'scope', name: 'room' }, { kind: 'id', name: 'p1' }];

interface Participant {
  readonly name: string;
  readonly scope: string;
  readonly state: (typeof PRESENCE_STATES)[number];
  readonly devices: number;
  readonly tag: string | undefined;
  readonly availability?: 'available' | 'busy' | undefined;
}

const aParticipant: fc.Arbitrary<Participant> = fc.record({
  name: fc.constantFrom('p1', 'p2', 'p3', 'p4'),
  scope: fc.constantFrom('', 'room'),
  state: fc.constantFrom(...PRESENCE_STATES),
  devices: fc.nat(4),
  tag: fc.constantFrom(undefined, ...TAGS),
  availability: fc.constantFrom(undefined, 'available', 'busy'),
});
const subjectKeyOf = ({ name, scope }: Participant) => keyOf(subjectOf({ participant: name, scope }));
const participants = fc.uniqueArray(aParticipant, { selector: subjectKeyOf, minLength: 1, maxLength: 8 });

function arrivalOf(participant: Participant): Changeset {
  const { name, scope, state, devices, tag, availability } = participant;
  const known = state === 'connected' && availability ? { availability: { value: availability, sinceMs: 7 } } : {};
  const inScope = scope === '' ? {} : { scope, id: name };
  const index = { state, devices, ...known, ...inScope, ...(tag !== undefined && { tag }) };
  return {
    key: subjectKeyOf(participant),
    before: null,
    after: stored(JSON.stringify(participant), index),
    changes: null,
  };
}

/** Everything that can be read of the participants of a store. */
async function contentsOf({ records, index }: Storage) {
  const pages = [undefined, ...GROUPS].flatMap((group) =>
    PRESENCE_STATES.map(async (state) => (await index.page({ states: [state], group }, null, 100)).items),
  );
  const known = [undefined, ...GROUPS].flatMap((group) =>
    KNOWN_AVAILABILITIES.map(async (availability) => {
      return (await index.page({ states: ['connected'], availability, group }, null, 100)).items;
    }),
  );
  const groups = GROUPS.filter((group): group is Group<'tag' | 'scope'> => group.kind !== 'id');
  const counts = [undefined, ...groups].map((group) => index.occupancy({ group }));
  const { items: tags } = await index.tags(undefined, null, 100);
  const { keys: due } = await records.claimDue({ nowMs: 9e12, untilMs: 9e12, limit: 2_000 });
  return {
    size: await records.size(),
    due: [...due].sort(),
    tags,
    pages: await Promise.all([...pages, ...known]),
    counts: await Promise.all(counts),
  };
}

/** Present with each tag, in each shard: while nobody present has a tag, a shard does not know that tag. */
const stayers = TAGS.flatMap((tag) =>
  Array.from({ length: MAX_SHARDS }, (_, shard) => {
    for (let n = 0; ; n += 1) {
      const stayer = arrivalOf({ name: `${tag}${n}`, scope: 'room', state: 'connected', devices: 1, tag });
      if (shardNumber(stayer.key, MAX_SHARDS) === shard) return stayer;
    }
  }),
);

describe.each(storesUnderTest())('records deleted by hand on %s', (name, open) => {
  // Each run opens two stores, with connections to every node.
  const numRuns = lengthOf(/shards|Sentinels|Cluster/.test(name) ? 5 : 15, 200);

  /** Calls `work` with two new stores. */
  async function withTwo(work: (store: OpenStorage, expected: Storage) => Promise<void>): Promise<void> {
    const [store, other] = [await open(), await open()];
    try {
      await work(store, other.storage);
    } finally {
      await Promise.all([store.discard(), other.discard()]);
    }
  }

  it('disappear from lists, counts, tags and deadlines', async () => {
    const property = fc.asyncProperty(participants, participants, (deleted, others) =>
      withTwo(async (store, expected) => {
        const lost = deleted.map(arrivalOf);
        const kept = others.map(arrivalOf).filter(({ key }) => lost.every((one) => one.key !== key));
        await store.storage.records.commit([...lost, ...kept, ...stayers]);
        await expected.records.commit([...kept, ...stayers]);
        const storage = await store.deleteRecords(lost.map(({ key }) => key));
        await store.repair();
        expect(await contentsOf(storage)).toEqual(await contentsOf(expected));
      }),
    );
    await fc.assert(property, { numRuns });
  });

  it('can be stored again, also while the store repairs itself', async () => {
    const property = fc.asyncProperty(participants, participants, fc.boolean(), (deleted, later, isRepairing) =>
      withTwo(async (store, expected) => {
        const [lost, again] = [deleted.map(arrivalOf), later.map(arrivalOf)];
        await store.storage.records.commit([...lost, ...stayers]);
        await expected.records.commit([...again, ...stayers]);
        const storage = await store.deleteRecords(lost.map(({ key }) => key));
        const [outcomes] = await Promise.all([storage.records.commit(again), isRepairing && store.repair()]);
        expect(outcomes).toEqual(again.map(() => 'done'));
        await store.repair();
        expect(await contentsOf(storage)).toEqual(await contentsOf(expected));
      }),
    );
    await fc.assert(property, { numRuns });
  });

  it('disappear from any number of tags', async () => {
    await withTwo(async (store, expected) => {
      const tags = Array.from({ length: 1_100 }, (_, n) => `tag${String(n).padStart(4, '0')}`);
      const others = tags.map((tag) => arrivalOf({ name: tag, scope: '', state: 'connected', devices: 1, tag }));
      const lost = ['tag0000', 'tag0500', 'tag1099', 'tag9999'].map((tag, n) =>
        arrivalOf({ name: `lost${n}`, scope: '', state: 'connected', devices: 2, tag }),
      );
      await store.storage.records.commit([...others, ...lost].slice(0, 1_000));
      await store.storage.records.commit([...others, ...lost].slice(1_000));
      await expected.records.commit(others);
      const storage = await store.deleteRecords(lost.map(({ key }) => key));
      await store.repair();
      expect(await contentsOf(storage)).toEqual(await contentsOf(expected));
      const tagsOf = async ({ index }: Storage) => (await index.tags(undefined, null, 2_000)).items;
      expect(await tagsOf(storage)).toEqual(await tagsOf(expected));
    });
  });

  it('disappear from the list of a tag that nobody present has', async () => {
    await withTwo(async (store, expected) => {
      const lost = arrivalOf({ name: 'p1', scope: '', state: 'gone', devices: 0, tag: 'red' });
      await store.storage.records.commit([lost]);
      const storage = await store.deleteRecords([lost.key]);
      await eventually(async () => expect(await contentsOf(storage)).toEqual(await contentsOf(expected)));
    });
  });
});
