// Metrics of the size of the feed, its followers, resets and slow clients.
import { Inject, Injectable } from '@nestjs/common';
import { Metrics } from '../observability/metrics/metrics.js';
import type { FeedStore } from '../storage/ports.js';
import { FEED_STORE } from '../storage/tokens.js';
import { FeedReader } from './feed-reader.js';
import { type FollowerKind, FollowerLimit } from './follower-limit.js';

@Injectable()
export class FeedMetrics {
  readonly #resets;
  readonly #slowClients;

  constructor(metrics: Metrics) {
    this.#resets = metrics
      .counter({
        name: 'rollcall_feed_resets_total',
        help: 'Clients that must list the participants again, because their position is no longer in the feed.',
      })
      .of();
    this.#slowClients = metrics
      .counter({
        name: 'rollcall_feed_slow_clients_total',
        help: 'Change streams that were disconnected because the client read too slowly.',
      })
      .of();
  }

  reset(): void {
    this.#resets.value += 1;
  }

  slowClient(): void {
    this.#slowClients.value += 1;
  }
}

@Injectable()
export class FeedGauges {
  constructor(metrics: Metrics, @Inject(FEED_STORE) feed: FeedStore, reader: FeedReader, followers: FollowerLimit) {
    addFollowerMetrics(metrics, followers);
    addExtentMetrics(metrics, feed);
    const undecodable = metrics.counter({
      name: 'rollcall_feed_undecodable_total',
      help: 'Entries of the feed that cannot be decoded.',
    });
    metrics.collect(() => {
      undecodable.of().value = reader.undecodableCount;
    });
  }
}

function addFollowerMetrics(metrics: Metrics, followers: FollowerLimit): void {
  const gauges: Record<FollowerKind, ReturnType<Metrics['gauge']>> = {
    stream: metrics.gauge({ name: 'rollcall_feed_streams', help: 'Open change streams.', aggregation: 'sum' }),
    poll: metrics.gauge({
      name: 'rollcall_feed_polls',
      help: 'Polls of the feed in progress, including those that wait.',
      aggregation: 'sum',
    }),
  };
  metrics.collect(() => {
    gauges.stream.set(followers.count('stream'));
    gauges.poll.set(followers.count('poll'));
  });
}

function addExtentMetrics(metrics: Metrics, feed: FeedStore): void {
  const bytes = metrics.gauge({
    name: 'rollcall_feed_bytes',
    help: 'Total size of the changes in the feed; FEED_MAX_BYTES limits it.',
    aggregation: 'max',
  });
  const oldest = metrics.gauge({
    name: 'rollcall_feed_oldest_timestamp_seconds',
    help: 'When the oldest change in the feed was committed; FEED_RETENTION_MS limits its age.',
    aggregation: 'max',
  });
  const newest = metrics.gauge({
    name: 'rollcall_feed_newest_timestamp_seconds',
    help: 'When the newest change in the feed was committed.',
    aggregation: 'max',
  });
  metrics.collect(async () => {
    const extent = await feed.extent();
    bytes.set(extent.bytes);
    // A feed that no change was committed to yet has no times.
    if (extent.newestAtMs === 0) return;
    oldest.set(extent.oldestAtMs / 1_000);
    newest.set(extent.newestAtMs / 1_000);
  });
}
