// Who was present at a time is what the rules give for all events; and at the present time, it is the live list.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Change } from '../../src/domain/change.js';
import type { RecordedEvent } from '../../src/domain/lifecycle-event.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import type { PresencePolicy } from '../../src/domain/policy.js';
import { pastParticipant } from '../../src/history/api/presence-responses.js';
import type { ConnectionCursor } from '../../src/history/connections.js';
import type { HistoryStore } from '../../src/history/history-store.js';
import { PastPresence, type PresenceFilter, type PresencePage } from '../../src/history/past-presence.js';
import { project } from '../../src/history/projection.js';
import { rfc3339 } from '../../src/runtime/rfc3339.js';
import { modelEventOf, subjectOf } from '../domain/builders.js';
import { deliveriesOf, histories, policies, START_MS } from '../domain/histories.js';
import { lengthOf } from '../length.js';
import { ManualClock } from '../manual-clock.js';
import { connectionsByDevice, startOf } from '../model/presence-model.js';
import { openStore, PLACES } from './databases.js';

/** After everything that the histories have. */
const NOW_MS = START_MS + 3_600_000;
const SUBJECTS = ['p1', 'p2', 'p3'].map((participant) => subjectOf({ participant }));

const participants = policies.chain((policy) => {
  const one = histories({ devices: 2, perDevice: 6 }).chain((events) => deliveriesOf(events));
  return fc.tuple(fc.constant(policy), fc.tuple(one, one, one), fc.nat(90_000), fc.integer({ min: 1, max: 4 }));
});

interface Outcome {
  readonly record: ParticipantRecord | undefined;
  readonly changes: readonly Change[];
  readonly events: readonly RecordedEvent[];
}

type Deliveries = readonly { readonly events: readonly RecordedEvent[]; readonly nowMs: number }[];

/** Later than the last delivery by more than any clock may be ahead, and by less than the longest grace period. */
function endOf(all: readonly Deliveries[]): number {
  return Math.max(...all.flat().map(({ nowMs }) => nowMs)) + 6_000;
}

function run(deliveries: Deliveries, n: number, policy: PresencePolicy, endMs: number): Outcome {
  const subject = SUBJECTS[n] as (typeof SUBJECTS)[number];
  let record: ParticipantRecord | undefined;
  const changes: Change[] = [];
  const all: RecordedEvent[] = [];
  for (const { events, nowMs } of [...deliveries, { events: [], nowMs: endMs }]) {
    const own = events.map((event) => receivedBy(nowMs, { ...event, subject }));
    all.push(...own);
    const next = advance(record, own, nowMs, policy);
    record = next.record;
    changes.push(...next.changes);
  }
  return { record, changes, events: all };
}

/** Nothing is received later than now, and an operator's event is dated by our clock. */
function receivedBy(nowMs: number, event: RecordedEvent): RecordedEvent {
  const receivedAtMs = Math.min(event.receivedAtMs, nowMs);
  if (event.kind !== 'ended') return { ...event, receivedAtMs };
  return { ...event, receivedAtMs, occurredAtMs: Math.min(event.occurredAtMs, nowMs) };
}

async function fill(store: HistoryStore, changes: readonly Change[]): Promise<void> {
  await store.inTransaction(async (db, tools) => {
    await db.deleteFrom('connections').execute();
    const { longestMs } = await project(db, tools, changes);
    await db
      .updateTable('projector')
      .set({ position: 'p', kept_from_ms: START_MS - 1_000_000, longest_ms: longestMs, read_until_ms: NOW_MS })
      .execute();
  });
}

async function presentAt(store: HistoryStore, atMs: number, limit: number, filter: PresenceFilter = {}) {
  const presence = new PastPresence(store, new ManualClock(NOW_MS));
  const found = [];
  for (let after: ConnectionCursor | null = null; ; ) {
    const page = (await presence.page(filter, atMs, { after, limit })) as PresencePage;
    expect(page.participants.length).toBeLessThanOrEqual(limit);
    expect(page.isComplete).toBe(true);
    found.push(...page.participants.map((rows) => pastParticipant(rows, atMs)));
    after = page.next;
    if (!after) break;
  }
  const ids = found.map(({ participantId }) => participantId);
  expect(new Set(ids).size).toBe(ids.length);
  return found.toSorted((a, b) => (a.participantId < b.participantId ? -1 : 1));
}

describe.each(PLACES)('presence of the past in %s', (_, newPlace) => {
  it('has who was connected then, by all events', async () => {
    const store = await openStore(await newPlace());
    await fc.assert(
      fc.asyncProperty(participants, async ([policy, deliveries, afterMs, limit]) => {
        const atMs = START_MS - 10_000 + afterMs;
        const endMs = endOf(deliveries);
        const outcomes = deliveries.map((one, n) => run(one, n, policy, endMs));
        await fill(
          store,
          outcomes.flatMap(({ changes }) => changes),
        );
        const found = await presentAt(store, atMs, limit);
        const devices = found.map(({ participantId, devices: all }) => [
          participantId,
          all.map(({ deviceId }) => deviceId).sort(),
        ]);
        const expected = outcomes.flatMap(({ events }, n) => {
          const all = connectionsByDevice(events.map(modelEventOf), policy, endMs);
          const present = [...all].filter(([, connections]) =>
            connections.some((one) => {
              const startMs = startOf(one) ?? one.last?.at;
              const isEnded = one.phase === 'ended' && one.last.at <= atMs;
              return one.phase !== 'none' && startMs !== undefined && startMs <= atMs && !isEnded;
            }),
          );
          return present.length === 0 ? [] : [[SUBJECTS[n]?.participantId, present.map(([id]) => id).sort()]];
        });
        expect(devices).toEqual(expected);
      }),
      { numRuns: lengthOf(40, 1_000), endOnFailure: true },
    );
  });

  it('is the live list at the present time', async () => {
    const store = await openStore(await newPlace());
    await fc.assert(
      fc.asyncProperty(participants, async ([drawn, deliveries, , limit]) => {
        // Who is gone by a clock that is ahead is still there now.
        const policy = { ...drawn, clockSkewMs: 0 };
        const endMs = endOf(deliveries);
        const outcomes = deliveries.map((one, n) => run(one, n, policy, endMs));
        await fill(
          store,
          outcomes.flatMap(({ changes }) => changes),
        );
        const live = outcomes.flatMap(({ record }) => {
          const present = record?.announced.devices.filter(({ state }) => state !== 'gone') ?? [];
          if (!record || present.length === 0) return [];
          const { subject, tag, announced } = record;
          const devices = present.map(({ deviceId, state, connectedAtMs }) => {
            return [deviceId, state, connectedAtMs === null ? null : rfc3339(connectedAtMs)].join();
          });
          return [
            { participantId: subject.participantId, tag: tag?.value, state: announced.state, devices: devices.sort() },
          ];
        });
        const found = (await presentAt(store, endMs, limit)).map(({ participantId, tag, state, devices }) => {
          const texts = devices.map((one) => [one.deviceId, one.state, one.connectedAt].join());
          return { participantId, tag, state, devices: texts.sort() };
        });
        expect(found).toEqual(live);
        const red = found.filter(({ tag }) => tag === 'red').map(({ participantId }) => participantId);
        const tagged = await presentAt(store, endMs, limit, {
          tag: 'red',
          source: 'bandwidth',
          scope: '',
        });
        expect(tagged.map(({ participantId }) => participantId)).toEqual(red);
      }),
      { numRuns: lengthOf(40, 1_000), endOnFailure: true },
    );
  });

  it('is not known of a time before history begins', async () => {
    const store = await openStore(await newPlace());
    await fill(store, []);
    const presence = new PastPresence(store, new ManualClock(NOW_MS));
    const options = { after: null, limit: 1 };
    const keptFromMs = START_MS - 1_000_000;
    expect(await presence.page({}, keptFromMs - 1, options)).toEqual({ keptFromMs });
    expect(await presence.page({}, keptFromMs, options)).toEqual({ participants: [], next: null, isComplete: true });
  });
});
