// Assembles the complete service on a given store, ready to listen: for start.ts and for the tests.
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule, type AppParts } from './app.module.js';
import { AccessGuard } from './auth/access-guard.js';
import { serveConsole } from './console/serve-console.js';
import { HistoryUnavailableError } from './history/history-store.js';
import { ClientAddresses } from './http/client-address.js';
import { addHttpMetrics } from './http/http-metrics.js';
import { createHttpServer } from './http/http-server.js';
import { KnownPaths } from './http/known-paths.js';
import { collectOptions, serveOpenApi } from './http/openapi/openapi.js';
import { ProblemFilter } from './http/problem.filter.js';
import { ProblemError } from './http/problem.js';
import { ProblemMapper } from './http/problem-mapper.js';
import { Refusals } from './http/refusals.js';
import { constantHeaders, registerHeaders } from './http/security-headers.js';
import { SourceNames } from './http/source-names.js';
import { DtoPipe } from './http/validation.js';
import { nestLog } from './observability/logging.js';
import { Metrics } from './observability/metrics/metrics.js';
import { ThrottledLog } from './observability/throttled-log.js';
import { NO_TRACES } from './observability/tracing/tracer.js';
import { FeedQuotaError } from './presence/write/feed-quota.js';
import { ParticipantLimitError } from './presence/write/participant-limit.js';
import { callbackOperations } from './sources/callback-operations.js';
import { CallbacksController } from './sources/callbacks.controller.js';
import { CallbackFastPath } from './sources/fast-path.js';
import { SourceRegistry } from './sources/registry.js';
import { subjectOf } from './storage/encoding/subject-key.js';
import { MeasuredStorage } from './storage/measured-storage.js';
import { LabelsNotIndexedError, StoreUnavailableError } from './storage/ports.js';

const RETRY_AFTER_S = '1';
const MAX_RETRY_AFTER_S = 3_600;
/** Room for new participants comes from retention or purges, which take time. */
const RETRY_NEW_AFTER_S = '60';

/** `close` on the result answers requests in flight, then stops background work and closes the store. */
export async function createApp(parts: AppParts): Promise<NestFastifyApplication> {
  const { log, http: settings, access, clock, tracer = NO_TRACES } = parts;
  const clients = new ClientAddresses(settings.trustProxy);
  const metrics = new Metrics();
  const throttledLog = new ThrottledLog(log, clock);
  const paths = new KnownPaths();
  const refusals = new Refusals(throttledLog, clients, paths);
  const { adapter, admission, complete } = createHttpServer(log, settings, { refusals, paths, tracer });
  const http = adapter.getInstance();
  addHttpMetrics(http, metrics, { admission, refusals });
  http.addHook('onClose', async () => throttledLog.flush());
  // For the API document, which the build makes.
  http.decorate('declaredOptions', collectOptions(http));
  const [first, ...others] = parts.sources;
  const names = [first.name, ...others.map(({ name }) => name)] as const;
  const problems = new ProblemMapper(presenceProblem);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot({
      ...parts,
      storage: new MeasuredStorage(parts.storage, metrics),
      metrics,
      tracer,
      throttledLog,
      refusals,
      sourceNames: new SourceNames(names),
      admission,
      problems,
      constantHeaders: constantHeaders(settings.corsOrigins),
    }),
    adapter,
    {
      logger: nestLog(log),
      bodyParser: false,
      abortOnError: false,
    },
  );
  await registerHeaders(http, settings.corsOrigins);
  new AccessGuard(access, { perMinute: settings.rateLimitPerMinute, clients, clock }).register(http);
  app.useGlobalPipes(new DtoPipe());
  app.useGlobalFilters(new ProblemFilter(refusals, problems));
  await app.init();
  serveOpenApi(http, callbackOperations(app.get(SourceRegistry, { strict: false }).all));
  if (parts.isConsoleOn) serveConsole(http);
  await app.get(CallbacksController, { strict: false }).register(http);
  complete(app.get(CallbackFastPath, { strict: false }));
  return app;
}

function presenceProblem(error: unknown): ProblemError | undefined {
  if (error instanceof FeedQuotaError) return quotaProblem(error);
  if (error instanceof ParticipantLimitError) return participantLimitProblem();
  if (error instanceof LabelsNotIndexedError) return labelsProblem();
  const isUnavailable = error instanceof StoreUnavailableError || error instanceof HistoryUnavailableError;
  if (!isUnavailable) return undefined;
  const detail = 'Nothing was partially applied. Retry in a moment.';
  return new ProblemError('store-unavailable', { detail, headers: { 'retry-after': RETRY_AFTER_S } });
}

function labelsProblem(): ProblemError {
  const detail =
    'Participants are being indexed by this label, or another process has another INDEXED_LABELS. Retry in a moment.';
  return new ProblemError('labels-not-indexed', { detail, headers: { 'retry-after': RETRY_AFTER_S } });
}

function quotaProblem({ key, retryAfterMs }: FeedQuotaError): ProblemError {
  const detail = 'The change feed quota of this participant is used up.';
  const retryAfterS = Math.min(Math.max(Math.ceil(retryAfterMs / 1_000), 1), MAX_RETRY_AFTER_S);
  const headers = { 'retry-after': String(retryAfterS) };
  return new ProblemError(
    'too-many-requests',
    { detail, headers },
    { reason: 'feed-quota-exceeded', logFields: { ...subjectOf(key) } },
  );
}

function participantLimitProblem(): ProblemError {
  const detail =
    'New participants are refused until others are forgotten or purged, or MAX_PARTICIPANTS is raised. Stored ' +
    'participants are not affected.';
  return new ProblemError('too-many-participants', { detail, headers: { 'retry-after': RETRY_NEW_AFTER_S } });
}
