import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { LifecycleEvent } from '../../src/domain/lifecycle-event.js';
import { readRecord } from '../../src/presence/write/changeset.js';
import { DeadlineWorker } from '../../src/presence/write/deadline-worker.js';
import { Recorder } from '../../src/presence/write/recorder.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import type { Storage } from '../../src/storage/ports.js';
import { changesAfter } from '../contract/feed.js';
import { indexOf } from '../contract/index-entry.js';
import { type OpenStorage, storesByLayout } from '../contract/stores.js';
import { watched } from '../contract/watched-storage.js';
import { connected, policy as defaults, disconnected, left } from '../domain/builders.js';
import { START_MS } from '../domain/histories.js';
import { eventually } from '../eventually.js';
import { lengthOf } from '../length.js';
import { ManualClock } from '../manual-clock.js';

const policy = { ...defaults, leaveGraceMs: 3_000 };
const log = pino({ level: 'silent' });
/** The number of participants with the same deadline. */
const COUNT = lengthOf(2_000, 10_000);

describe.each(storesByLayout())('deadlines on %s', (_, open) => {
  let opened: OpenStorage;
  let clock: ManualClock;
  let workers: DeadlineWorker[];
  beforeEach(async () => {
    opened = await open();
    clock = new ManualClock(START_MS);
    workers = [];
  });
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await opened.discard();
  });

  function node(storage: Storage = opened.storage, ownClock = clock): Recorder {
    const recorder = new Recorder(storage.records, ownClock, () => policy, log);
    const worker = new DeadlineWorker(storage.records, recorder, ownClock, log);
    worker.start();
    workers.push(worker);
    return recorder;
  }

  const stateOf = async (participant = 'p1') => {
    const [text] = await opened.storage.records.load([participant as SubjectKey]);
    return readRecord(participant as SubjectKey, text as string | null)?.record.announced.state;
  };
  const untilState = (state: string | undefined, participant?: string) =>
    eventually(async () => expect(await stateOf(participant)).toBe(state));
  const changes = () => changesAfter(opened.storage.feed, opened.startPosition);

  it.each<[string, LifecycleEvent[], number, string | undefined]>([
    ['the grace period', [connected({ at: START_MS }), disconnected({ at: START_MS })], policy.graceMs, 'gone'],
    ['the leave grace period', [connected({ at: START_MS }), left({ at: START_MS })], policy.leaveGraceMs, 'gone'],
    ['the expiry of a connection', [connected({ at: START_MS })], policy.maxConnectionMs + 1, 'gone'],
    ['the retention', [left({ at: START_MS })], policy.retentionMs, undefined],
  ])('apply %s on time without an event', async (_what, events, afterMs, state) => {
    const recorder = node();
    for (const event of events) await recorder.record(event);
    const before = await stateOf();
    clock.advance(afterMs - 1);
    await eventually(() => expect(workers[0]?.isAlive()).toBe(true));
    expect(await stateOf()).toBe(state ? before : 'gone');
    clock.advance(1);
    await untilState(state);
  });

  it('wake the worker when a new one is earlier than the next one', async () => {
    const recorder = node();
    await recorder.record(connected({ at: START_MS - policy.graceMs }));
    const claim = { nowMs: START_MS - 1_000, untilMs: START_MS, limit: 1 };
    await eventually(async () => expect((await opened.storage.records.claimDue(claim)).nextDueMs).not.toBeNull());
    await recorder.record(disconnected({ at: START_MS - policy.graceMs + 100 }));
    clock.advance(100);
    await untilState('gone');
  });

  it('are processed by the thousand in bounded batches on two nodes, each participant and each change once', async () => {
    const { storage, commits } = watched(opened.storage);
    const nodes = [node(storage), node(storage)] as const;
    const names = Array.from({ length: COUNT }, (_unused, n) => `p${n}`);
    const all = (build: typeof connected) =>
      Promise.all(
        names.map((participant, n) =>
          nodes[n % 2 === 0 ? 0 : 1].record(build({ participant, at: START_MS + (n % 1_000) })),
        ),
      );
    await all(connected);
    await all(disconnected);
    expect((await opened.storage.index.occupancy({})).reconnecting).toBe(COUNT);
    commits.length = 0;
    clock.advance(policy.graceMs + 1_000);
    await eventually(async () => expect((await opened.storage.index.occupancy({})).reconnecting).toBe(0));
    expect(Math.max(...commits.map(({ length }) => length))).toBeLessThanOrEqual(128);
    // Where there can be only one process, nothing is claimed.
    if (opened.another) expect(commits.flat()).toHaveLength(COUNT);
    const gone = (await changes())
      .filter(({ type }) => type === 'participant.gone')
      .map(({ subject }) => subject.participantId);
    expect(gone.length).toBe(COUNT);
    expect(new Set(gone).size).toBe(COUNT);
  });

  it('that passed while no node was running take effect once one starts', async () => {
    const recorder = node();
    await recorder.record(connected({ at: START_MS }));
    await recorder.record(disconnected({ at: START_MS }));
    await workers[0]?.stop();
    clock.advance(policy.graceMs * 2);
    expect(await stateOf()).toBe('reconnecting');
    node();
    await untilState('gone');
  });

  it('that a node had claimed when it crashed are processed by another one once the claim ends', async () => {
    const crashing = watched(opened.another?.() ?? opened.storage);
    const stoppingClock = new ManualClock(START_MS);
    const recorder = node(crashing.storage, stoppingClock);
    await recorder.record(connected({ at: START_MS }));
    await recorder.record(disconnected({ at: START_MS }));
    crashing.hold();
    const loadCount = crashing.loads.length;
    stoppingClock.advance(policy.graceMs);
    await eventually(() => expect(crashing.loads.length).toBeGreaterThan(loadCount));
    workers.pop();
    clock.advance(policy.graceMs);
    node();
    await eventually(async () => {
      clock.advance(100);
      expect(await stateOf()).toBe('gone');
    });
  });

  it('are met despite unreadable records of other participants', async () => {
    const index = indexOf({ state: 'reconnecting', dueMs: START_MS });
    const ids = Array.from({ length: 150 }, (_unused, n) => `broken${n}` as SubjectKey);
    const after = { record: 'not a record', index };
    await opened.storage.records.commit(ids.map((key) => ({ key, before: null, after, changes: null })));
    const { storage, loads } = watched(opened.storage);
    const recorder = node(storage);
    await recorder.record(connected({ at: START_MS }));
    await recorder.record(disconnected({ at: START_MS }));
    const loadCount = () => loads.flat().filter((id) => id.startsWith('broken')).length;
    await eventually(() => expect(loadCount()).toBe(150));
    clock.advance(policy.graceMs);
    // Work on the unreadable records has timed out by then; afterwards the worker waits for a short time.
    await eventually(async () => {
      clock.advance(20);
      expect(await stateOf()).toBe('gone');
    });
    expect(loadCount()).toBeLessThanOrEqual(300);
  });

  it('are met again after the store was unavailable', async () => {
    const { storage, failFor } = watched(opened.storage);
    const recorder = node(storage);
    await recorder.record(connected({ at: START_MS }));
    await recorder.record(disconnected({ at: START_MS }));
    failFor(() => true);
    clock.advance(policy.graceMs);
    await eventually(() => expect(workers[0]?.isAlive()).toBe(false));
    failFor(() => false);
    await eventually(async () => {
      clock.advance(400);
      expect(await stateOf()).toBe('gone');
    });
    await eventually(() => expect(workers[0]?.isAlive()).toBe(true));
  });
});
