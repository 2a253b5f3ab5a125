// The whole service on a store, ready to listen: what main.ts starts, and what the tests talk to.
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule, type AppParts } from './app.module.js';
import { Doors } from './auth/access-guard.js';
import { ClientAddresses } from './http/client-address.js';
import { ExpressLane } from './http/express-lane.js';
import { createHttpServer } from './http/http-server.js';
import { KnownPaths } from './http/known-paths.js';
import { serveOpenApi } from './http/openapi/openapi.js';
import { ProblemFilter } from './http/problem.filter.js';
import { ProblemError } from './http/problem.js';
import { Refusals } from './http/refusals.js';
import { registerHeaders, usualHeaders } from './http/security-headers.js';
import { DtoPipe } from './http/validation.js';
import { LimitedLog } from './observability/limited-log.js';
import { nestLog } from './observability/logging.js';
import { ParticipantsController } from './presence/api/participants.controller.js';
import { FeedQuotaError } from './presence/write/feed-quota.js';
import { ParticipantLimitError } from './presence/write/participant-limit.js';
import { BandwidthController } from './sources/bandwidth/bandwidth.controller.js';
import { subjectOf } from './storage/encoding/subject-key.js';
import { StoreUnavailableError } from './storage/ports.js';

const RETRY_AFTER_S = '1';
const MAX_RETRY_AFTER_S = 3_600;
/** What is forgotten or purged makes room, which takes longer than a moment. */
const RETRY_NEW_AFTER_S = '60';

/** `close` answers what has come in, then stops the work and closes the store. */
export async function createApp(parts: AppParts): Promise<NestFastifyApplication> {
  const { log, http: settings, access, clock } = parts;
  const clients = new ClientAddresses(settings.trustProxy);
  const limitedLog = new LimitedLog(log, clock);
  const paths = new KnownPaths();
  const refusals = new Refusals(limitedLog, clients, paths);
  const { adapter, gate, connections, held, complete } = createHttpServer(log, settings, { refusals, paths });
  const http = adapter.getInstance();
  http.addHook('onClose', async () => limitedLog.flush());
  await registerHeaders(http, settings.corsOrigins);
  const { rateLimitPerMinute: perMinute, callbacksPerMinutePerUrl: callbacksPerMinute } = settings;
  const doors = new Doors(access, { perMinute, callbacksPerMinute, clients, clock });
  doors.guard(http);
  // A line for each answer is the router's to write.
  const headers = usualHeaders(settings.corsOrigins);
  const lane = log.isLevelEnabled('debug')
    ? undefined
    : new ExpressLane(http, { gate, connections, held, refusals }, headers);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.with({ ...parts, limitedLog, refusals }),
    adapter,
    {
      logger: nestLog(log),
      bodyParser: false,
      abortOnError: false,
    },
  );
  app.useGlobalPipes(new DtoPipe());
  app.useGlobalFilters(new ProblemFilter(refusals, presenceProblem));
  serveOpenApi(app);
  await app.init();
  complete();
  const bandwidth = app.get(BandwidthController, { strict: false });
  lane?.openToPosts('/callbacks/bandwidth', (token, request) => {
    const access = doors.ofCallback('bandwidth', token, request);
    if (access.outcome !== 'open' && access.outcome !== 'admitted') return undefined;
    return (body) => bandwidth.takeUsual(body, access.outcome === 'admitted' ? access : {});
  });
  const participants = app.get(ParticipantsController, { strict: false });
  lane?.openToReads('/v1/participants', (participantId, request) => {
    const headers = doors.ofRead(request);
    return headers && participants.findUsual(participantId, request.headers['if-none-match'], headers);
  });
  return app;
}

function presenceProblem(error: unknown): ProblemError | undefined {
  if (error instanceof FeedQuotaError) return quotaProblem(error);
  if (error instanceof ParticipantLimitError) return participantLimitProblem();
  if (!(error instanceof StoreUnavailableError)) return undefined;
  const detail = 'Nothing is half done. Ask again in a moment.';
  return new ProblemError('store-unavailable', { detail, headers: { 'retry-after': RETRY_AFTER_S } });
}

function quotaProblem({ key, retryAfterMs }: FeedQuotaError): ProblemError {
  const detail = 'The change feed quota of this participant is used up.';
  const retryAfterS = Math.min(Math.max(Math.ceil(retryAfterMs / 1_000), 1), MAX_RETRY_AFTER_S);
  const headers = { 'retry-after': String(retryAfterS) };
  return new ProblemError(
    'too-many-requests',
    { detail, headers },
    { reason: 'feed-quota-exceeded', facts: { ...subjectOf(key) } },
  );
}

function participantLimitProblem(): ProblemError {
  const detail =
    'New participants are refused until others are forgotten or purged, or MAX_PARTICIPANTS is raised. Those that the ' +
    'store holds are not affected.';
  return new ProblemError('too-many-participants', { detail, headers: { 'retry-after': RETRY_NEW_AFTER_S } });
}
