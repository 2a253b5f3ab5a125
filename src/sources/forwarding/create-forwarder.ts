import type { Logger } from 'pino';
import type { Metrics } from '../../observability/metrics/metrics.js';
import type { Clock } from '../../runtime/clock.js';
import { openSpoolFiles } from '../../spool/open-spool.js';
import { Spool } from '../../spool/spool.js';
import { ForwardMetrics } from './forward-metrics.js';
import { Forwarder, type ForwardTarget } from './forwarder.js';

export interface ForwardSettings extends ForwardTarget {
  /** Where callbacks wait. */
  readonly dataDir: string;
  readonly maxBytes: number;
}

/** `settings`: undefined if callbacks are not forwarded. */
export function createForwarder(
  settings: ForwardSettings | undefined,
  { clock, log, metrics }: { readonly clock: Clock; readonly log: Logger; readonly metrics: Metrics },
): Forwarder {
  const files = settings
    ? openSpoolFiles({ dataDir: settings.dataDir, name: 'forward', store: settings.url }, log)
    : [];
  const limits = { maxBytes: settings?.maxBytes ?? 0, maxAgeMs: Number.POSITIVE_INFINITY };
  const name = 'The spool of callbacks for FORWARD_TO';
  const spool = new Spool(files, limits, { clock, log, name, isDrainLogged: false });
  const forwardMetrics = new ForwardMetrics(metrics, settings !== undefined);
  const forwarder = new Forwarder({ target: settings, spool, metrics: forwardMetrics, clock, log });
  forwardMetrics.showState(() => forwarder.state);
  return forwarder;
}
