// How many are present, read from the store at each scrape: every node shows the same.
import { Inject, Injectable } from '@nestjs/common';
import { Metrics } from '../../observability/metrics/metrics.js';
import type { PresenceIndex, RecordStore } from '../../storage/ports.js';
import { PRESENCE_INDEX, RECORD_STORE } from '../../storage/tokens.js';

export const METRICS_TAGS = Symbol('MetricsTags');

@Injectable()
export class PresenceMetrics {
  constructor(
    metrics: Metrics,
    @Inject(PRESENCE_INDEX) index: PresenceIndex,
    @Inject(RECORD_STORE) records: RecordStore,
    @Inject(METRICS_TAGS) tags: readonly string[],
  ) {
    const participants = metrics.gauge({
      name: 'rollcall_participants',
      help: 'Participants that are present.',
      labels: ['source', 'state'],
      aggregation: 'max',
    });
    const devices = metrics.gauge({
      name: 'rollcall_devices',
      help: 'Devices that are present.',
      labels: ['source'],
      aggregation: 'max',
    });
    const available = metrics.gauge({
      name: 'rollcall_available_participants',
      help: 'Participants that are connected and available.',
      labels: ['source'],
      aggregation: 'max',
    });
    const tagged = metrics.gauge({
      name: 'rollcall_tag_participants',
      help: 'Participants that are present and have a tag named in METRICS_TAGS.',
      labels: ['tag', 'state'],
      aggregation: 'max',
    });
    const stored = metrics.gauge({
      name: 'rollcall_stored_participants',
      help: 'Participants in the store, including those that are gone and not forgotten yet.',
      aggregation: 'max',
    });
    metrics.collect(async () => {
      const sources = await index.sources();
      const counts = await Promise.all(sources.map((source) => index.occupancy({ source })));
      for (const [n, { connected, reconnecting, devices: present, available: ready }] of counts.entries()) {
        const source = sources[n] as string;
        participants.set(connected, source, 'connected');
        participants.set(reconnecting, source, 'reconnecting');
        devices.set(present, source);
        available.set(ready, source);
      }
    });
    metrics.collect(async () => {
      const counts = await Promise.all(tags.map((name) => index.occupancy({ group: { kind: 'tag', name } })));
      for (const [n, { connected, reconnecting }] of counts.entries()) {
        tagged.set(connected, tags[n] as string, 'connected');
        tagged.set(reconnecting, tags[n] as string, 'reconnecting');
      }
    });
    metrics.collect(async () => stored.set(await records.size()));
  }
}
