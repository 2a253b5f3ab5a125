// The requests of the API, and what was refused. Callbacks have metrics of their own; see sources/callback-metrics.ts.
import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../observability/metrics/metrics.js';
import type { Admission } from './admission.js';
import type { Refusals } from './refusals.js';
import { routeOptionsOf } from './route-options.js';

const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

interface Parts {
  readonly admission: Admission;
  readonly refusals: Refusals;
}

/** Must be called before any route is added. */
export function addHttpMetrics(http: FastifyInstance, metrics: Metrics, { admission, refusals }: Parts): void {
  const inFlight = metrics.gauge({
    name: 'rollcall_http_requests_in_flight',
    help: 'Requests in progress, including callbacks, but not streams and polls.',
    aggregation: 'sum',
  });
  const limit = metrics.gauge({
    name: 'rollcall_http_requests_in_flight_limit',
    help: 'The setting MAX_IN_FLIGHT, multiplied by the number of workers.',
    aggregation: 'sum',
  });
  const refused = metrics.counter({
    name: 'rollcall_refusals_total',
    help: 'Callbacks, requests and connections that were refused or ignored, by the reason in the log.',
    labels: ['kind', 'reason'],
  });
  metrics.collect(() => {
    inFlight.set(admission.inFlightCount);
    limit.set(admission.maxInFlight);
    for (const { kind, reason, count } of refusals.totals()) refused.of(kind, reason).value = count;
  });
  measureRequests(http, metrics);
}

function measureRequests(http: FastifyInstance, metrics: Metrics): void {
  const durations = metrics.histogram({
    name: 'rollcall_http_request_duration_seconds',
    help: 'Duration of requests to the API, except for streams and polls; route is empty if there is none.',
    labels: ['method', 'route', 'status'],
    buckets: BUCKETS_S,
  });
  http.addHook('onResponse', (request, reply, done) => {
    const { url: route, config } = request.routeOptions;
    const { access, hasOwnLimit } = routeOptionsOf(config);
    if (access !== 'callback' && !hasOwnLimit) {
      // A client chooses the method of a request that has no route.
      const [method, pattern] = request.is404 || route === undefined ? ['', ''] : [request.method, route];
      const status = `${Math.floor(reply.statusCode / 100)}xx`;
      durations.of(method, pattern, status).observe(reply.elapsedTime / 1_000);
    }
    done();
  });
}
