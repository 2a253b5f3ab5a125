import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { ChangePoll } from '../../src/feed/api/change-poll.js';
import { FeedHub } from '../../src/feed/feed-hub.js';
import { FeedMetrics } from '../../src/feed/feed-metrics.js';
import { FeedReader } from '../../src/feed/feed-reader.js';
import { FollowerLimit } from '../../src/feed/follower-limit.js';
import { Metrics } from '../../src/observability/metrics/metrics.js';
import { formatPosition } from '../../src/storage/feed-position.js';
import { type OpenStorage, storesByLayout } from '../contract/stores.js';
import { ManualClock } from '../manual-clock.js';

describe.each(storesByLayout())('a waiting poll on %s', (_, open) => {
  let opened: OpenStorage;
  let hub: FeedHub;
  let clock: ManualClock;
  let poll: ChangePoll;
  beforeEach(async () => {
    opened = await open();
    clock = new ManualClock(0);
    const log = pino({ level: 'silent' });
    const reader = new FeedReader(opened.storage.feed, log);
    hub = new FeedHub(opened.storage.feed, reader, log);
    poll = new ChangePoll(
      opened.storage.feed,
      reader,
      hub,
      new FollowerLimit(1),
      new FeedMetrics(new Metrics()),
      clock,
    );
  });
  afterEach(async () => {
    await hub.stop();
    await opened.discard();
  });

  const run = (signal = new AbortController().signal) =>
    poll.run({ after: opened.startPosition, limit: 10, waitMs: 30_000, filter: {}, signal });
  /** While the poll waits, it occupies the only slot, so that another one is refused. */
  async function untilWaiting(): Promise<void> {
    for (;;) {
      const refusal = await Promise.race([run().catch((error) => error), setImmediate('waits')]);
      if (refusal instanceof Error) return;
    }
  }

  it.each<[string, (caller: AbortController) => void]>([
    ['it times out', () => clock.advance(30_000)],
    ['the service stops', () => poll.stop()],
    ['the caller disconnects', (caller) => caller.abort()],
  ])('ends when %s, and releases its slot', async (_what, end) => {
    const caller = new AbortController();
    const waiting = run(caller.signal);
    await untilWaiting();
    end(caller);
    expect(await waiting).toEqual({ items: [], position: formatPosition(opened.startPosition) });
    const another = run();
    poll.stop();
    expect(await another).toMatchObject({ items: [] });
  });
});
