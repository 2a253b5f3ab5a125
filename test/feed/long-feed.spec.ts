// A feed too long for one request: each request reads only a part of it and uses one slot, and no change is lost.
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pino } from 'pino';
import type { Change } from '../../src/domain/change.js';
import type { DeviceId } from '../../src/domain/lifecycle-event.js';
import type { ParticipantId } from '../../src/domain/subject.js';
import { ChangePoll, type PollRequest } from '../../src/feed/api/change-poll.js';
import { catchUp } from '../../src/feed/catch-up.js';
import { type ChangeFilter, isWanted } from '../../src/feed/change-filter.js';
import { FeedHub } from '../../src/feed/feed-hub.js';
import { FeedMetrics } from '../../src/feed/feed-metrics.js';
import { FeedReader, PAGE_SIZE } from '../../src/feed/feed-reader.js';
import { Follower } from '../../src/feed/follower.js';
import { FollowerLimit } from '../../src/feed/follower-limit.js';
import { Metrics } from '../../src/observability/metrics/metrics.js';
import { encodeChanges } from '../../src/storage/encoding/change-codec.js';
import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import { type FeedPosition, formatPosition, moveTo, parsePosition } from '../../src/storage/feed-position.js';
import type { Changeset } from '../../src/storage/ports.js';
import { BANDWIDTH, indexOf } from '../contract/index-entry.js';
import { type OpenStorage, storesByLayout } from '../contract/stores.js';
import { lengthOf } from '../length.js';
import { ManualClock } from '../manual-clock.js';

const log = pino({ level: 'silent' });
/** More than a single request reads. */
const ENTRIES = 5_000;
const RARE = 'rare' as ParticipantId;

/** A commit whose changes have this version. */
function announcing(version: number): Changeset {
  const participantId = version % 1_000 === 999 ? RARE : (`p${version}` as ParticipantId);
  const tag = version % 3 === 0 ? 'third' : 'other';
  const subject = { source: BANDWIDTH, scope: '', participantId };
  const common = { subject, tag, sinceMs: 1, occurredAtMs: 1, receivedAtMs: 1, version } as const;
  const now = { state: 'connected', previousState: null } as const;
  const changes = encodeChanges([
    { ...common, ...now, type: 'device.connected', deviceId: 'd1' as DeviceId },
    { ...common, ...now, type: 'participant.connected' },
  ]);
  // The store requires a distinct key per changeset; the participant of a change is in its encoded text.
  return { key: `p${version}` as SubjectKey, before: null, after: { record: 'r', index: indexOf() }, changes };
}

/** Counts the turns of the event loop, in each of which other work could run. */
function countTurns(): { end: () => number } {
  let count = 0;
  let isCounting = true;
  const run = async () => {
    for (; isCounting; count += 1) await setImmediate();
  };
  void run();
  return {
    end: () => {
      isCounting = false;
      return count;
    },
  };
}

describe.each(storesByLayout())('polls that read a long feed on %s', (_, open) => {
  let opened: OpenStorage;
  let reader: FeedReader;
  let hub: FeedHub;
  /** Each change and the position after it, in feed order. */
  let all: { position: FeedPosition; change: Change }[];
  beforeAll(async () => {
    opened = await open();
    reader = new FeedReader(opened.storage.feed, log);
    for (let n = 0; n < ENTRIES; n += 250) {
      await opened.storage.records.commit(Array.from({ length: 250 }, (_unused, i) => announcing(n + i)));
    }
    all = [];
    let position = opened.startPosition;
    for (let isLast = false; !isLast; ) {
      const page = await reader.page(position);
      if (!page) throw new Error('gone');
      for (const { shard, shardPosition, change } of page.changes) {
        position = moveTo(position, shard, shardPosition);
        all.push({ position, change });
      }
      isLast = page.isLast;
    }
  });
  beforeEach(() => {
    hub = new FeedHub(opened.storage.feed, reader, log);
  });
  afterEach(() => hub.stop());
  afterAll(() => opened.discard());

  const pollOf = (maxFollowers: number) =>
    new ChangePoll(
      opened.storage.feed,
      reader,
      hub,
      new FollowerLimit(maxFollowers),
      new FeedMetrics(new Metrics()),
      new ManualClock(0),
    );
  const request = { after: [] as FeedPosition, limit: 1_000, waitMs: 0, signal: new AbortController().signal };
  const matchesNothing = { tag: 'nobody' };
  const end = () => formatPosition(all.at(-1)?.position as FeedPosition);

  it('are refused beyond the limit, whether they read, wait or only request the position', async () => {
    const poll = pollOf(5);
    const kinds: Partial<PollRequest>[] = [
      { after: undefined },
      { filter: matchesNothing },
      { filter: {} },
      { waitMs: 1_000 },
    ];
    const after = opened.startPosition;
    for (const kind of kinds) {
      const polls = Array.from({ length: 40 }, () => poll.run({ ...request, after, filter: {}, ...kind }));
      const outcomes = await Promise.allSettled(polls);
      const refused = outcomes.filter(({ status }) => status === 'rejected');
      expect(refused).toHaveLength(35);
      for (const outcome of refused) expect(outcome).toMatchObject({ reason: { problem: 'too-many-streams' } });
    }
  });

  it('release their slots when they fail', async () => {
    const poll = pollOf(1);
    const unknown = opened.startPosition.map((place) => ({ ...place, epoch: '000000000000' }));
    for (let n = 0; n < 3; n += 1) {
      await expect(poll.run({ ...request, after: unknown, filter: {} })).rejects.toMatchObject({
        problem: 'position-gone',
      });
    }
  });

  it('read one part at a time, yield to other work, and finish at the end of the feed', async () => {
    const poll = pollOf(1);
    const turns = countTurns();
    const first = await poll.run({ ...request, after: opened.startPosition, filter: matchesNothing, waitMs: 30_000 });
    expect(first.items).toEqual([]);
    expect(first.position).not.toBe(end());
    expect(turns.end()).toBeGreaterThanOrEqual(30);
    const after = parsePosition(first.position) as FeedPosition;
    expect(await poll.run({ ...request, after, filter: matchesNothing })).toEqual({ items: [], position: end() });
  });

  it('read one poll at a time, and yield to other work between pages', async () => {
    const poll = pollOf(100);
    const turns = countTurns();
    const polls = Array.from({ length: 100 }, () =>
      poll.run({ ...request, after: opened.startPosition, filter: matchesNothing }),
    );
    await Promise.all(polls);
    expect(turns.end()).toBeGreaterThanOrEqual(100);
  });

  it('return after a single page when there are many of them, which bounds their memory', async () => {
    const poll = pollOf(100);
    const run = () => poll.run({ ...request, after: opened.startPosition, filter: {} });
    expect((await run()).items).toHaveLength(1_000);
    const counts = (await Promise.all(Array.from({ length: 100 }, run))).map(({ items }) => items.length);
    expect(counts.filter((count) => count === 2 * PAGE_SIZE).length).toBeGreaterThanOrEqual(92);
  });

  it('return every matching change once and in order, from any starting position', async () => {
    const filter = fc.constantFrom<ChangeFilter>({}, { participantId: RARE }, { tag: 'third' }, matchesNothing, {
      types: ['device.connected'],
    });
    await fc.assert(
      fc.asyncProperty(
        fc.nat(2 * ENTRIES - 1),
        fc.integer({ min: 50, max: 1_000 }),
        filter,
        async (start, limit, wanted) => {
          const poll = pollOf(1);
          const found: string[] = [];
          let position = formatPosition((all[start] as { position: FeedPosition }).position);
          for (let isEnd = false; !isEnd; ) {
            const after = parsePosition(position) as FeedPosition;
            const answered = await poll.run({ ...request, after, limit, filter: wanted });
            found.push(...answered.items.map(({ type, version }) => `${type} ${version}`));
            isEnd = answered.position === position;
            position = answered.position;
          }
          expect(position).toBe(end());
          const expected = all.slice(start + 1).filter(({ change }) => isWanted(change, wanted));
          const names = expected.map(({ change: { type, version } }) => `${type} ${version}`);
          expect(found.toSorted()).toEqual(names.toSorted());
          // With several shards, the order is only defined within each shard.
          if (opened.startPosition.length === 1) expect(found).toEqual(names);
        },
      ),
      { numRuns: lengthOf(8, 40) },
    );
  });

  it('stop reading after their caller has disconnected', async () => {
    const caller = new AbortController();
    const poll = pollOf(1).run({
      ...request,
      after: opened.startPosition,
      filter: matchesNothing,
      signal: caller.signal,
    });
    caller.abort();
    const { position } = await poll;
    const reached = all.findIndex((placed) => formatPosition(placed.position) === position);
    expect(reached).toBeLessThan(2 * PAGE_SIZE);
  });

  it('leave a stream unread whose client disconnects before its turn', async () => {
    const follower = new Follower(opened.startPosition, {}, { onChanges: () => {}, onGone: () => {} });
    const client = { isConnected: () => false, drained: async () => {} };
    expect(await catchUp(follower, { reader, hub }, client)).toBe('disconnected');
    expect(follower.position).toBe(opened.startPosition);
  });

  it('share the event loop with other work while a stream catches up', async () => {
    const turns = countTurns();
    const follower = new Follower(opened.startPosition, matchesNothing, { onChanges: () => {}, onGone: () => {} });
    expect(await catchUp(follower, { reader, hub }, { isConnected: () => true, drained: async () => {} })).toBe('live');
    expect(turns.end()).toBeGreaterThanOrEqual(Math.floor(ENTRIES / PAGE_SIZE) - 1);
  });
});
