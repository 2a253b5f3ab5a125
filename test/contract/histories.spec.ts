// Applies the same random histories to every store and to the reference model, and compares them after every step.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_KEPT_FACTS } from '../../src/domain/availability.js';
import { MAX_KEPT_EVENTS } from '../../src/domain/device-history.js';
import { labelsOf } from '../../src/domain/labels.js';
import type { RecordedEvent } from '../../src/domain/lifecycle-event.js';
import { operatorLabels } from '../../src/domain/operator-labels.js';
import { advance, type ParticipantRecord } from '../../src/domain/participant.js';
import { MAX_KEPT_ENDS } from '../../src/domain/participant-ends.js';
import { changesetOf, readRecord } from '../../src/presence/write/changeset.js';
import { keyOf, type SubjectKey } from '../../src/storage/encoding/subject-key.js';
import type { Storage } from '../../src/storage/ports.js';
import { policy as defaults, eventOf, fact, modelEventOf, participantEnd, subjectOf } from '../domain/builders.js';
import { START_MS } from '../domain/histories.js';
import { lengthOf } from '../length.js';
import { ModelledParticipant } from '../model/modelled-participant.js';
import { changesAfter } from './feed.js';
import { expectSameIndex, INDEXED, TAGS } from './modelled-index.js';
import { type OpenStorage, storesUnderTest } from './stores.js';

const policy = { ...defaults, leaveGraceMs: 2_000, maxConnectionMs: 60_000, retentionMs: 90_000 };
/** Some differ only in source or scope. */
const SUBJECTS = [
  { participant: 'p1' },
  { participant: 'p2' },
  { source: 'livekit', participant: 'p1' },
  { source: 'livekit', scope: 'r1', participant: 'p1' },
  { source: 'livekit', scope: 'r2', participant: 'p1' },
  { source: 'livekit', scope: 'r2', participant: 'p2' },
].map((parts) => ({ parts, subject: subjectOf(parts), key: keyOf(subjectOf(parts)) }));
const KEYS = SUBJECTS.map(({ key }) => key);

const events = fc.array(
  fc.record({
    kind: fc.constantFrom(
      'connected',
      'connected',
      'disconnected',
      'left',
      'participant-disconnected',
      'participant-left',
      'available',
      'busy',
      'set-busy',
      'set-labels',
      'set-labels',
    ),
    to: fc.constantFrom(...KEYS),
    device: fc.constantFrom('d1', 'd2', 'd3'),
    agoMs: fc.constantFrom(0, 500, 3_000),
    lastsMs: fc.constantFrom(undefined, 10_000, 30_000),
    tag: fc.constantFrom(undefined, ...TAGS),
    ref: fc.constantFrom(undefined, undefined, 'u-1', 'u-2'),
    labels: fc.dictionary(fc.constantFrom(...INDEXED, 'other'), fc.constantFrom('1', '2'), { maxKeys: 2 }),
    origin: fc.constantFrom(undefined, 'labels', 'mintedLabels'),
  }),
  { maxLength: 6 },
);
const allSteps = fc.array(fc.record({ events, passMs: fc.constantFrom(0, 1_000, 16_000, 61_000, 100_000) }), {
  minLength: 1,
  maxLength: 12,
});
/** Only histories in which no device has more events, and no participant more ends, than are kept: the model discards none. */
const steps = allSteps.filter((all) => {
  const sent = all.flatMap(({ events: some }) => some);
  const ends = sent.filter(({ kind }) => kind.startsWith('participant-'));
  const devices = sent.map(({ to, device }) => `${to} ${device}`);
  const isDiscarded = (ids: readonly string[], limit: number) =>
    ids.some((id) => ids.filter((other) => other === id).length > limit);
  const endedIds = ends.map(({ to }) => to);
  const factIds = sent.filter(({ kind }) => /available|busy/.test(kind)).map(({ to }) => to);
  const areFew = !isDiscarded(endedIds, MAX_KEPT_ENDS) && !isDiscarded(factIds, MAX_KEPT_FACTS);
  return areFew && !isDiscarded(devices, MAX_KEPT_EVENTS);
});

async function stepStore(storage: Storage, key: SubjectKey, received: RecordedEvent[], nowMs: number): Promise<void> {
  const [text] = await storage.records.load([key]);
  const loaded = readRecord(key, text as string | null);
  const changeset = changesetOf(key, loaded, advance(loaded?.record, received, nowMs, policy));
  if (changeset) expect(await storage.records.commit([changeset])).toEqual(['done']);
}

async function recordIn(opened: OpenStorage | undefined, key: SubjectKey): Promise<ParticipantRecord | undefined> {
  const [text] = (await opened?.storage.records.load([key])) ?? [];
  return readRecord(key, text as string | null)?.record;
}

type Modelled = ReadonlyMap<SubjectKey, ModelledParticipant>;

async function expectSame({ storage, startPosition }: OpenStorage, modelled: Modelled, nowMs: number): Promise<void> {
  const texts = (await storage.records.load(KEYS)) as (string | null)[];
  const records = SUBJECTS.map(({ key }, n) => readRecord(key, texts[n] ?? null)?.record);
  const known = SUBJECTS.map(({ subject, key }) => ({ subject, ...modelled.get(key)?.known }));
  expect(
    records.map(
      (one) =>
        one && [
          one.subject,
          one.version,
          one.announced,
          one.tag?.value,
          one.participantRef?.value,
          labelsOf(one.labels),
        ],
    ),
  ).toEqual(
    known.map(({ subject, version, view, tag, ref, labels }) => view && [subject, version, view, tag, ref, labels]),
  );
  const entries = SUBJECTS.flatMap(({ subject, key }, n) => {
    const one = modelled.get(key)?.known;
    return one
      ? [{ key, subject, view: one.view, tag: one.tag, labels: one.labels ?? {}, record: texts[n] ?? null }]
      : [];
  });
  await expectSameIndex(storage.index, entries);
  // Each step advances every participant, so none is due.
  const nextDueMs = Math.min(...[...modelled.values()].map((one) => one.dueMs(nowMs)));
  const due = { keys: [], nextDueMs: entries.length > 0 ? nextDueMs : null };
  expect(await storage.records.claimDue({ nowMs, untilMs: nowMs, limit: 100 })).toEqual(due);
  const feed = await changesAfter(storage.feed, startPosition);
  for (const [key, { changes }] of modelled) {
    expect(feed.filter(({ subject }) => keyOf(subject) === key)).toEqual(changes);
  }
}

describe('random histories', () => {
  const stores = storesUnderTest();

  // What a step takes on many shards is paid in full with npm run test:long only.
  it.each([
    ['SQLite and a single Redis', stores.slice(0, 2), lengthOf(12, 200)],
    ['every store', stores, lengthOf(4, 100)],
  ] as const)(
    'give the same state in %s and in the reference model, after every step',
    async (_, compared, numRuns) => {
      await fc.assert(
        fc.asyncProperty(steps, async (history) => {
          const opened = await Promise.all(compared.map(([, open]) => open()));
          for (const { storage } of opened)
            expect(await storage.labels.complete((await storage.labels.choose(INDEXED)) ?? '')).toBe(true);
          const modelled = new Map(SUBJECTS.map(({ key, subject }) => [key, new ModelledParticipant(subject, policy)]));
          let nowMs = START_MS;
          for (const { events: received, passMs } of history) {
            nowMs += passMs;
            for (const { key, parts, subject } of SUBJECTS) {
              const record = await recordIn(opened[0], key);
              const own = received
                .filter(({ to }) => to === key)
                .flatMap(
                  ({ kind, device, agoMs, lastsMs, tag, ref, labels, origin }): RecordedEvent[] | RecordedEvent => {
                    const set = origin && Object.keys(labels).length > 0 ? { [origin]: labels } : {};
                    const moment = { ...parts, tag, participantRef: ref, ...set, at: nowMs - agoMs, receivedAt: nowMs };
                    if (kind === 'set-labels') return operatorLabels(subject, record, labels, nowMs) ?? [];
                    if (kind === 'participant-disconnected' || kind === 'participant-left')
                      return participantEnd(kind, moment);
                    if (kind === 'available' || kind === 'busy') return fact(kind, moment);
                    if (kind === 'set-busy') return fact(kind, { ...moment, until: lastsMs && moment.at + lastsMs });
                    return eventOf(kind, { ...moment, device });
                  },
                );
              modelled.get(key)?.step(own.map(modelEventOf), nowMs);
              await Promise.all(opened.map(({ storage }) => stepStore(storage, key, own, nowMs)));
            }
            for (const one of opened) await expectSame(one, modelled, nowMs);
            const [records, ...others] = await Promise.all(opened.map(({ storage }) => storage.records.load(KEYS)));
            for (const other of others) expect(other).toEqual(records);
          }
          await Promise.all(opened.map(({ discard }) => discard()));
        }),
        { numRuns },
      );
    },
    lengthOf(180_000, 1_200_000),
  );
});
