import { Injectable } from '@nestjs/common';
import { Metrics } from '../metrics/metrics.js';
import { Readiness } from './readiness.js';

@Injectable()
export class HealthMetrics {
  constructor(metrics: Metrics, readiness: Readiness) {
    const ready = metrics.gauge({
      name: 'rollcall_ready',
      help: 'Whether callbacks can be accepted, as reported by GET /health/ready.',
      aggregation: 'min',
    });
    const up = metrics.gauge({
      name: 'rollcall_component_up',
      help: 'Whether a component is up, as reported by GET /health/ready.',
      labels: ['component'],
      aggregation: 'min',
    });
    metrics.collect(async () => {
      const { status, details } = await readiness.check();
      ready.set(status === 'ok' ? 1 : 0);
      for (const [name, health] of Object.entries(details)) up.set(health.status === 'up' ? 1 : 0, name);
    });
  }
}
