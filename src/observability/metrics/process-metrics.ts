// What is known of the process itself. prom-client adds memory, processor time, garbage collection and the event loop.
import { statfs } from 'node:fs/promises';
import type { Metrics } from './metrics.js';

export interface ProcessFacts {
  readonly version: string;
  readonly workers: number;
  /** The store, without its address. */
  readonly store: string;
  readonly dataDir: string;
}

export function addProcessMetrics(metrics: Metrics, { version, workers, store, dataDir }: ProcessFacts): void {
  const build = metrics.gauge({
    name: 'rollcall_build_info',
    help: 'Always 1: the version of Rollcall and of Node.js, and the kind of store.',
    labels: ['version', 'node', 'store'],
    aggregation: 'first',
  });
  const configured = metrics.gauge({
    name: 'rollcall_workers',
    help: 'The setting WORKERS.',
    aggregation: 'first',
  });
  metrics.collect(() => {
    build.set(1, version, process.versions.node, store);
    configured.set(workers);
  });
  const free = metrics.gauge({
    name: 'rollcall_data_dir_free_bytes',
    help: 'Free space of the file system that holds DATA_DIR.',
    aggregation: 'min',
  });
  const size = metrics.gauge({
    name: 'rollcall_data_dir_size_bytes',
    help: 'Size of the file system that holds DATA_DIR.',
    aggregation: 'max',
  });
  // Rejects while the folder does not exist: with Redis, and without a spool, it is not used.
  metrics.collect(async () => {
    const { bavail, blocks, bsize } = await statfs(dataDir);
    free.set(bavail * bsize);
    size.set(blocks * bsize);
  });
}
