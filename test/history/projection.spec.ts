// The connections in SQL are those that the rules give for all events, in whatever order and batches these arrive, and
// whatever is written again after a crash.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Change } from '../../src/domain/change.js';
import { fold, insertEvent } from '../../src/domain/device-history.js';
import { type DeviceId, type LifecycleEvent, limitSkew } from '../../src/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import { recordedChanges } from '../../src/domain/recorded-changes.js';
import { stayOf } from '../../src/domain/stay.js';
import type { HistoryStore } from '../../src/history/history-store.js';
import { LastConnections } from '../../src/history/last-connections.js';
import { project } from '../../src/history/projection.js';
import { decodeChanges, encodeChanges } from '../../src/storage/encoding/change-codec.js';
import { decodeRecord, encodeRecord } from '../../src/storage/encoding/record-codec.js';
import { keyOf } from '../../src/storage/encoding/subject-key.js';
import { policy as defaults, eventOf, modelEventOf, subjectOf } from '../domain/builders.js';
import { deliveriesOf, histories, participantEnds, policies, START_MS } from '../domain/histories.js';
import { lengthOf } from '../length.js';
import { connectionsByDevice, describe as describeCurrent, describePast } from '../model/presence-model.js';
import { openStore, PLACES } from './databases.js';

/** Changes that are written in one transaction, which may be rolled back first, or repeated afterwards. */
interface Cut {
  readonly size: number;
  readonly crash: 'none' | 'before-commit' | 'repeated';
  /** Whether another process continues, which knows no connections yet. */
  readonly isNewProcess: boolean;
}

const cuts = fc.array(
  fc.record({
    size: fc.integer({ min: 1, max: 7 }),
    crash: fc.constantFrom<Cut['crash'][]>('none', 'none', 'before-commit', 'repeated'),
    isNewProcess: fc.constantFrom(false, false, true),
  }),
  { minLength: 20, maxLength: 20 },
);

async function write(store: HistoryStore, changes: readonly Change[], cut: readonly Cut[]): Promise<void> {
  let rest = changes.map((change) => change);
  let known = new LastConnections();
  for (let n = 0; rest.length > 0; n += 1) {
    const { size, crash, isNewProcess } = cut[n % cut.length] as Cut;
    if (isNewProcess) known = new LastConnections(n % 2);
    const some = rest.slice(0, size);
    rest = rest.slice(size);
    if (crash === 'before-commit') {
      const crashed = store.inTransaction(async (db, tools) => {
        await project(db, tools, some, { known });
        throw new Error('killed');
      });
      await expect(crashed).rejects.toThrow('killed');
    }
    for (let times = crash === 'repeated' ? 2 : 1; times > 0; times -= 1) {
      known.keep(await store.inTransaction((db, tools) => project(db, tools, some, { known })));
    }
  }
}

/** By device, in order. */
async function connectionsIn(store: HistoryStore): Promise<Record<string, object[]>> {
  const rows = await store.use(({ db }) =>
    db.selectFrom('connections').selectAll().orderBy('generation').orderBy('number').execute(),
  );
  const devices: Record<string, object[]> = {};
  for (const row of rows) {
    const { connected_at_ms, started_at_ms, ended_at_ms, cause, interruptions, number } = row;
    const known = devices[row.device_id] ?? [];
    expect(number).toBe(known.length);
    devices[row.device_id] = [...known, { connected_at_ms, started_at_ms, ended_at_ms, cause, interruptions }];
  }
  return devices;
}

interface Expected {
  readonly connectedAtMs: number | null;
  readonly startMs: number;
  readonly interruptions: number;
  readonly endedAtMs?: number | undefined;
  readonly cause?: string | undefined;
}

function rowOf({ connectedAtMs, startMs, interruptions, endedAtMs, cause }: Expected): object {
  const end = { ended_at_ms: endedAtMs ?? null, cause: endedAtMs === undefined ? null : (cause ?? null) };
  return { connected_at_ms: connectedAtMs, started_at_ms: startMs, ...end, interruptions };
}

function run(deliveries: readonly { events: Parameters<typeof advance>[1]; nowMs: number }[], policy: typeof defaults) {
  let record: ParticipantRecord | undefined;
  const changes: Change[] = [];
  const records: (ParticipantRecord | undefined)[] = [];
  for (const { events, nowMs } of deliveries) {
    const next = advance(record, events, nowMs, policy);
    record = next.record && decodeRecord(keyOf(subjectOf()), encodeRecord(next.record));
    changes.push(...(decodeChanges(encodeChanges(next.changes) ?? '') ?? []));
    records.push(record);
  }
  return { changes, records };
}

describe.each(PLACES)('history in %s', (_, newPlace) => {
  it('has the connections that the reference model finds in all events', async () => {
    const store = await openStore(await newPlace());
    const delivered = fc
      .tuple(histories({ devices: 3, perDevice: 10 }), participantEnds(3))
      .chain((events) => fc.tuple(deliveriesOf(events.flat()), policies));
    await fc.assert(
      fc.asyncProperty(delivered, cuts, async ([deliveries, policy], cut) => {
        await store.use(({ db }) => db.deleteFrom('connections').execute());
        const { changes, records } = run(deliveries, policy);
        await write(store, changes, cut);
        const nowMs = deliveries.at(-1)?.nowMs ?? 0;
        const events = deliveries.flatMap((one) => one.events).map(modelEventOf);
        const expected = [...connectionsByDevice(events, policy, nowMs)].flatMap(([id, all]) => {
          const last = all.at(-1);
          // It was only looked for, and never found.
          if (!last || last.phase === 'none') return [];
          const past = all.slice(0, -1).map((one) => rowOf(describePast(one)));
          return [[id, [...past, rowOf(last.phase === 'ended' ? describePast(last) : describeCurrent(last))]]];
        });
        expect(await connectionsIn(store)).toEqual(Object.fromEntries(expected));
        const tags = await store.use(({ db }) =>
          db.selectFrom('connections').select('tag').distinct().where('ended_at_ms', 'is', null).execute(),
        );
        const tag = records.at(-1)?.tag?.value ?? null;
        expect(tags).toEqual(tags.length === 0 ? [] : [{ tag }]);
      }),
      { numRuns: lengthOf(40, 2_000), endOnFailure: true },
    );
  });

  it('keeps the connections that a record no longer has, and can be rebuilt from records', async () => {
    const store = await openStore(await newPlace());
    const rebuilt = await openStore(await newPlace());
    const delivered = histories({ devices: 2, perDevice: 40, isObserved: true }).chain((events) =>
      fc.tuple(deliveriesOf(events), policies),
    );
    await fc.assert(
      fc.asyncProperty(delivered, cuts, async ([deliveries, policy], cut) => {
        for (const one of [store, rebuilt]) await one.use(({ db }) => db.deleteFrom('connections').execute());
        const { changes, records } = run(deliveries, policy);
        await write(store, changes, cut);
        const expected = new Map<DeviceId, Expected[]>();
        for (const [n, record] of records.entries()) {
          for (const { deviceId, state, sinceMs, cause, connectedAtMs, interruptions } of record?.announced.devices ??
            []) {
            // As it was before its oldest events were folded into the base.
            let history = records[n - 1]?.devices.get(deviceId) ?? { events: [] };
            const own = (deliveries[n]?.events ?? []).filter((event) => event.deviceId === deviceId);
            for (const event of own)
              history = insertEvent(history, limitSkew(event as LifecycleEvent, policy), policy).history;
            const { earlier, connection } = fold(history, [], policy);
            const past = [...earlier, connection].map((one) => ({ ...one, startMs: stayOf(one, policy).startMs }));
            const frozen = expected.get(deviceId)?.slice(0, history.pastConnections ?? 0) ?? [];
            const end = state === 'gone' ? { endedAtMs: sinceMs, cause } : undefined;
            const { startMs = sinceMs } = past.pop() ?? {};
            const isEndOnly = connectedAtMs === null && connection.sightedAtMs === undefined;
            const current = { connectedAtMs, interruptions, startMs: isEndOnly ? sinceMs : startMs, ...end };
            expected.set(deviceId, [...frozen, ...past, current]);
          }
        }
        const rows = Object.fromEntries([...expected].map(([id, all]) => [id, all.map(rowOf)]));
        expect(await connectionsIn(store)).toEqual(rows);

        // As if the feed could not be read at first: the rows agree as far as the records go.
        const last = records.at(-1);
        const half = changes.slice(0, Math.floor(changes.length / 2));
        await write(rebuilt, half, cut);
        if (last)
          await rebuilt.inTransaction((db, tools) =>
            project(db, tools, recordedChanges(last, policy, Number.POSITIVE_INFINITY), { isRebuild: true }),
          );
        await write(rebuilt, changes.slice(half.length), cut);
        for (const [id, history] of last?.devices ?? []) {
          const kept = rows[id]?.slice(history.pastConnections ?? 0);
          const rebuiltRows = await rowsFrom(rebuilt, id, history.pastConnections ?? 0);
          expect(rebuiltRows).toEqual(kept);
        }
      }),
      { numRuns: lengthOf(25, 1_000), endOnFailure: true },
    );
  });

  it('starts a new generation when a forgotten device has come back while changes were not read', async () => {
    const store = await openStore(await newPlace());
    const policy = { ...defaults, retentionMs: 60_000 };
    const first = [eventOf('connected', { at: START_MS }), eventOf('left', { at: START_MS + 1_000 })];
    const deliveries = [
      { events: first, nowMs: START_MS + 1_000 },
      { events: [], nowMs: START_MS + 200_000 },
      { events: [eventOf('connected', { at: START_MS + 300_000 })], nowMs: START_MS + 300_000 },
    ];
    const { changes, records } = run(deliveries, policy);
    await store.inTransaction((db, tools) => project(db, tools, changes.slice(0, 2)));
    const recorded = recordedChanges(records[2] as ParticipantRecord, policy, START_MS + 2_000);
    // The first time, it was interrupted.
    for (let n = 0; n < 2; n += 1)
      await store.inTransaction((db, tools) => project(db, tools, recorded, { isRebuild: true }));
    const rows = await store.use(({ db }) =>
      db.selectFrom('connections').select(['number', 'started_at_ms', 'ended_at_ms']).orderBy('id').execute(),
    );
    expect(rows).toEqual([
      { number: 0, started_at_ms: START_MS, ended_at_ms: START_MS + 1_000 },
      { number: 0, started_at_ms: START_MS + 300_000, ended_at_ms: null },
    ]);
  });

  it('starts a new generation when a forgotten device comes back, and shows the newest tag of a connection', async () => {
    const store = await openStore(await newPlace());
    const policy = { ...defaults, retentionMs: 60_000 };
    const first = [eventOf('connected', { at: START_MS, tag: 'red' }), eventOf('left', { at: START_MS + 1_000 })];
    const { changes } = run(
      [
        { events: first, nowMs: START_MS + 1_000 },
        { events: [], nowMs: START_MS + 200_000 },
        { events: [eventOf('connected', { at: START_MS + 300_000, tag: 'blue' })], nowMs: START_MS + 300_000 },
        {
          events: [eventOf('connected', { device: 'd2', at: START_MS + 300_001, tag: 'green' })],
          nowMs: START_MS + 300_001,
        },
      ],
      policy,
    );
    await store.inTransaction((db, tools) => project(db, tools, changes));
    const rows = await store.use(({ db }) =>
      db.selectFrom('connections').select(['device_id', 'number', 'tag', 'ended_at_ms']).orderBy('id').execute(),
    );
    expect(rows).toEqual([
      { device_id: 'd1', number: 0, tag: 'red', ended_at_ms: START_MS + 1_000 },
      { device_id: 'd1', number: 0, tag: 'green', ended_at_ms: null },
      { device_id: 'd2', number: 0, tag: 'green', ended_at_ms: null },
    ]);
  });
});

async function rowsFrom(store: HistoryStore, deviceId: string, from: number): Promise<object[]> {
  return store.use(({ db }) =>
    db
      .selectFrom('connections')
      .select(['connected_at_ms', 'started_at_ms', 'ended_at_ms', 'cause', 'interruptions'])
      .where('device_id', '=', deviceId)
      .where('number', '>=', from)
      .orderBy('number')
      .execute(),
  );
}
