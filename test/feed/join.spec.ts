// Followers join, leave and rejoin at any time: each receives every change once and in order, whatever is announced meanwhile.
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pino } from 'pino';
import type { Change } from '../../src/domain/change.js';
import type { DeviceId } from '../../src/domain/lifecycle-event.js';
import type { ParticipantId } from '../../src/domain/subject.js';
import { catchUp } from '../../src/feed/catch-up.js';
import { FeedHub } from '../../src/feed/feed-hub.js';
import { FeedReader, PAGE_SIZE } from '../../src/feed/feed-reader.js';
import { Follower } from '../../src/feed/follower.js';
import { encodeChanges } from '../../src/storage/encoding/change-codec.js';
import { keyOf } from '../../src/storage/encoding/subject-key.js';
import { type FeedPosition, formatPosition, isPast, parsePosition } from '../../src/storage/feed-position.js';
import type { Changeset } from '../../src/storage/ports.js';
import { BANDWIDTH, indexOf } from '../contract/index-entry.js';
import { storesByLayout } from '../contract/stores.js';
import { eventually } from '../eventually.js';
import { closeOnce } from '../leftovers.js';
import { lengthOf } from '../length.js';

/** A commit that announces the n-th changes, which have n as their version. */
function announcing(n: number): Changeset {
  const participantId = `p${n}` as ParticipantId;
  const device: Change = {
    type: 'device.connected',
    subject: { source: BANDWIDTH, scope: '', participantId },
    deviceId: 'd1' as DeviceId,
    state: 'connected',
    previousState: null,
    sinceMs: 1,
    occurredAtMs: 1,
    receivedAtMs: 1,
    version: n,
  };
  const { deviceId: _, ...ofParticipant } = device;
  const changes = encodeChanges([device, { ...ofParticipant, type: 'participant.connected' }]);
  return { key: keyOf(device.subject), before: null, after: { record: 'r', index: indexOf() }, changes };
}

/** The type and number of a change, and the text of its position. */
type Received = [change: string, position: string];

const nameOf = ({ type, version }: Change) => `${type} ${version}`;

/** Joins and leaves repeatedly, and resumes each time after the last change that it received. */
class TestFollower {
  readonly received: Received[] = [];
  #leave = () => {};
  readonly #catchUps: Promise<void>[] = [];

  constructor(
    readonly reader: FeedReader,
    readonly hub: FeedHub,
    readonly begin: FeedPosition,
  ) {}

  /** `lag`: the event loop turns that it spends on each page while it catches up. */
  join(lag: number): void {
    this.#leave();
    const last = this.received.at(-1)?.[1];
    const after = last === undefined ? this.begin : (parsePosition(last) as FeedPosition);
    let isJoined = true;
    const follower = new Follower(
      after,
      {},
      {
        onChanges: (changes) => {
          if (!isJoined) return;
          this.received.push(
            ...changes.map(({ change, position }): Received => [nameOf(change), formatPosition(position)]),
          );
        },
        onGone: () => this.received.push(['gone', '']),
      },
    );
    this.#leave = () => {
      isJoined = false;
      this.hub.leave(follower);
    };
    const client = { isConnected: () => isJoined, drained: () => ticks(lag) };
    const caughtUp = catchUp(follower, this, client).then((outcome) => {
      if (outcome === 'live' && !isJoined) this.hub.leave(follower);
    });
    this.#catchUps.push(caughtUp);
  }

  leave(): void {
    this.#leave();
  }

  /** Leaves, and waits until it no longer reads the store. */
  async end(): Promise<void> {
    this.leave();
    await Promise.all(this.#catchUps);
  }
}

async function allAfter(feed: FeedReader, begin: FeedPosition): Promise<Received[]> {
  const all: Received[] = [];
  let position = begin;
  const reader = new Follower(
    begin,
    {},
    {
      onChanges: (changes) =>
        all.push(...changes.map((placed): Received => [nameOf(placed.change), formatPosition(placed.position)])),
      onGone: () => {},
    },
  );
  for (;;) {
    const page = await feed.page(position);
    if (!page) throw new Error('gone');
    reader.deliver(page.changes);
    position = page.position;
    if (page.isLast) return all;
  }
}

async function ticks(count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await setImmediate();
}

const actions = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ act: fc.constant('announce' as const), count: fc.integer({ min: 1, max: 60 }) }),
    },
    { weight: 3, arbitrary: fc.record({ act: fc.constant('join' as const), who: fc.nat(3), lag: fc.nat(1_000) }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('leave' as const), who: fc.nat(3) }) },
    {
      weight: 2,
      arbitrary: fc.record({ act: fc.constant('pass' as const), count: fc.integer({ min: 1, max: 1_000 }) }),
    },
  ),
  { minLength: 5, maxLength: 40 },
);

const JOINS_WHILE_THE_HUB_RUNS = [
  { act: 'join', who: 0, lag: 0 },
  { act: 'pass', count: 500 },
  { act: 'join', who: 1, lag: 3_000 },
  { act: 'pass', count: 1_500 },
  { act: 'announce', count: 2 },
  { act: 'pass', count: 6_000 },
  { act: 'announce', count: 2 },
  { act: 'pass', count: 500 },
] satisfies typeof actions extends fc.Arbitrary<infer T> ? T : never;

describe.each(storesByLayout())('a follower on %s', (_, open) => {
  it('receives every change once and in order, however often it leaves and rejoins', async () => {
    await fc.assert(
      fc.asyncProperty(actions, fc.nat(3 * PAGE_SIZE), async (script, before) => {
        const { storage, startPosition, discard } = await open();
        const log = pino({ level: 'silent' });
        const feed = new FeedReader(storage.feed, log);
        const hub = new FeedHub(storage.feed, feed, log);
        const stopHub = closeOnce(() => hub.stop());
        let count = 0;
        const announce = (many: number) =>
          storage.records.commit(Array.from({ length: many }, () => announcing(count++)));
        for (let rest = before; rest > 0; rest -= 100) await announce(Math.min(rest, 100));
        const end = await storage.feed.end();
        const followers = [startPosition, startPosition, end, end].map((begin) => new TestFollower(feed, hub, begin));
        const commits: Promise<unknown>[] = [];
        for (const action of script) {
          if (action.act === 'announce') commits.push(announce(action.count));
          else if (action.act === 'join') followers[action.who]?.join(action.lag);
          else if (action.act === 'leave') followers[action.who]?.leave();
          else await ticks(action.count);
        }
        await Promise.all(commits);
        for (const follower of followers) follower.join(0);
        for (const follower of followers) {
          const expected = await allAfter(feed, follower.begin);
          await eventually(() => expect(follower.received.length).toBeGreaterThanOrEqual(expected.length));
          if (startPosition.length === 1) expect(follower.received).toEqual(expected);
          expect(follower.received.map(([name]) => name).toSorted()).toEqual(expected.map(([name]) => name).toSorted());
          // With several shards, the order is only defined within each shard.
          const positions = follower.received.map(([, position]) => parsePosition(position) as FeedPosition);
          for (const [n, position] of positions.entries()) {
            expect(positions[n - 1]?.every((place, shard) => isPast(position, shard, place))).not.toBe(false);
          }
        }
        await Promise.all(followers.map((follower) => follower.end()));
        await stopHub();
        await discard();
      }),
      { numRuns: lengthOf(8, 50), examples: [[JOINS_WHILE_THE_HUB_RUNS, 0]] },
    );
  });
});
