// Changes of the maximum size: pages, responses and deliveries stay bounded, and no change is lost.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import type { DeviceId } from '../../src/domain/lifecycle-event.js';
import type { ParticipantId } from '../../src/domain/subject.js';
import { ChangePoll } from '../../src/feed/api/change-poll.js';
import { catchUp } from '../../src/feed/catch-up.js';
import { FeedHub } from '../../src/feed/feed-hub.js';
import { FeedMetrics } from '../../src/feed/feed-metrics.js';
import { FeedReader } from '../../src/feed/feed-reader.js';
import { Follower } from '../../src/feed/follower.js';
import { FollowerLimit } from '../../src/feed/follower-limit.js';
import { Metrics } from '../../src/observability/metrics/metrics.js';
import { encodeChanges } from '../../src/storage/encoding/change-codec.js';
import { keyOf } from '../../src/storage/encoding/subject-key.js';
import { type FeedPosition, parsePosition } from '../../src/storage/feed-position.js';
import type { Changeset } from '../../src/storage/ports.js';
import { BANDWIDTH, indexOf } from '../contract/index-entry.js';
import { type OpenStorage, storesByLayout } from '../contract/stores.js';
import { ManualClock } from '../manual-clock.js';

const log = pino({ level: 'silent' });
const COMMITS = 60;
/** The changes per commit. */
const DEVICES = 80;
/** The length of one change in a response. */
const MAX_CHANGE_LENGTH = 2_500;
const nameOf = (version: number, device: number) => `${version} ${device}`.padEnd(256, '.');

/** A commit that announces as much as possible. */
function announcing(version: number): Changeset {
  const participantId = `p${version}`.padEnd(256, '.') as ParticipantId;
  const common = {
    subject: { source: BANDWIDTH, scope: '', participantId },
    tag: 't'.repeat(1_024),
    sinceMs: 1,
    occurredAtMs: 1,
    receivedAtMs: 1,
    version,
  };
  const changes = encodeChanges(
    Array.from({ length: DEVICES }, (_, n) => ({
      ...common,
      type: 'device.connected',
      deviceId: nameOf(version, n) as DeviceId,
      state: 'connected',
      previousState: null,
    })),
  );
  return { key: keyOf(common.subject), before: null, after: { record: 'r', index: indexOf() }, changes };
}

describe.each(storesByLayout())('large changes on %s', (_, open) => {
  let opened: OpenStorage;
  let reader: FeedReader;
  const all = Array.from({ length: COMMITS }, (_unused, version) =>
    Array.from({ length: DEVICES }, (_one, n) => nameOf(version, n)),
  ).flat();
  beforeAll(async () => {
    opened = await open();
    reader = new FeedReader(opened.storage.feed, log);
    for (let n = 0; n < COMMITS; n += 1) await opened.storage.records.commit([announcing(n)]);
  });
  afterAll(() => opened.discard());

  it('are read in pages of bounded size, each change once', async () => {
    const found: string[] = [];
    let position = opened.startPosition;
    for (let isLast = false; !isLast; ) {
      const page = await reader.page(position);
      if (!page) throw new Error('gone');
      const length = JSON.stringify(page.changes.map(({ change }) => change)).length;
      expect(length).toBeLessThanOrEqual(128 * 1024 + MAX_CHANGE_LENGTH);
      found.push(...page.changes.map(({ change }) => String(change.deviceId)));
      ({ position, isLast } = page);
    }
    expect(found.toSorted()).toEqual(all.toSorted());
  });

  it('are polled in responses of bounded size, each change once', async () => {
    const hub = new FeedHub(opened.storage.feed, reader, log);
    const poll = new ChangePoll(
      opened.storage.feed,
      reader,
      hub,
      new FollowerLimit(1),
      new FeedMetrics(new Metrics()),
      new ManualClock(0),
    );
    const request = { limit: 1_000, waitMs: 0, filter: {}, signal: new AbortController().signal };
    const found: string[] = [];
    for (let after = opened.startPosition; ; ) {
      const { items, position } = await poll.run({ ...request, after });
      expect(JSON.stringify(items).length).toBeLessThanOrEqual(1024 * 1024 + 1_000 * 100);
      if (items.length === 0) break;
      found.push(...items.map(({ deviceId }) => String(deviceId)));
      after = parsePosition(position) as FeedPosition;
    }
    expect(found.toSorted()).toEqual(all.toSorted());
    await hub.stop();
  });

  it('are delivered to a follower that catches up in parts of bounded size, each change once', async () => {
    const hub = new FeedHub(opened.storage.feed, reader, log);
    const found: string[] = [];
    let largest = 0;
    const follower = new Follower(
      opened.startPosition,
      {},
      {
        onChanges: (changes) => {
          largest = Math.max(largest, changes.length);
          found.push(...changes.map(({ change }) => String(change.deviceId)));
        },
        onGone: () => {},
      },
    );
    expect(await catchUp(follower, { reader, hub }, { isConnected: () => true, drained: async () => {} })).toBe('live');
    expect(found.toSorted()).toEqual(all.toSorted());
    expect(largest * 1_000).toBeLessThanOrEqual(128 * 1024);
    await hub.stop();
  });

  it('are not read from the store beyond the size of a page', async () => {
    const page = await opened.storage.feed.read(opened.startPosition, 128);
    const bytes = page?.reduce((sum, { changes }) => sum + changes.length, 0);
    expect(bytes).toBeGreaterThanOrEqual(64 * 1024);
    expect(bytes).toBeLessThanOrEqual((64 + 32) * 1024 * opened.startPosition.length);
  });
});
