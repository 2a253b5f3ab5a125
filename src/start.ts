// The service as a process: configures it, starts it, and stops it on request.
import cluster from 'node:cluster';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { createApp } from './app.js';
import type { AccessSettings } from './auth/access-guard.js';
import { type Config, ConfigError, loadEnvFile, readConfig } from './config/config.js';
import { HealthController } from './observability/health/health.controller.js';
import { createLog } from './observability/logging.js';
import { type MetricsAddress, MetricsServer } from './observability/metrics/metrics-server.js';
import { openTracer } from './observability/tracing/open-tracer.js';
import type { Tracer } from './observability/tracing/tracer.js';
import { systemClock } from './runtime/clock.js';
import { listenError } from './runtime/listen-error.js';
import { Shutdown } from './runtime/shutdown.js';
import { startFailure } from './runtime/start-failure.js';
import { onStopRequest, requestStop, type StopReason } from './runtime/stop-requests.js';
import { endWithPrimary, Workers } from './runtime/workers.js';
import { DIALECTS, SourceRegistry } from './sources/registry.js';
import { openStorage } from './storage/open-storage.js';

/** In-flight callbacks take up to 2 s. Clients that read their response too slowly are disconnected. */
const CLOSE_TIMEOUT_MS = 8_000;

function configure(): Config {
  try {
    // Workers inherit the environment of the primary.
    if (cluster.isPrimary) loadEnvFile();
    return readConfig(DIALECTS);
  } catch (error) {
    const log = createLog('info');
    for (const problem of error instanceof ConfigError ? error.problems : [String(error)])
      log.fatal(`configuration error: ${problem}`);
    process.exit(1);
  }
}

/** `program`: the script that workers run. */
export async function start(program: string): Promise<void> {
  const config = configure();
  const processLog = createLog(config.logLevel);
  const log = cluster.isWorker ? processLog.child({ worker: process.pid }) : processLog;
  if (cluster.isPrimary) for (const line of config.warnings) log.warn(line);
  if (cluster.worker) endWithPrimary(cluster.worker, () => requestStop('disconnect'));
  try {
    if (cluster.isPrimary && config.workers > 1) await startWorkers(config, log, program);
    else await serve(config, log);
  } catch (error) {
    log.fatal(log.isLevelEnabled('debug') ? { err: error } : {}, startFailure(error));
    process.exit(1);
  }
}

async function startWorkers({ workers: count, shutdownDelayMs }: Config, log: Logger, program: string): Promise<void> {
  const workers = new Workers(log, shutdownDelayMs);
  onStopRequest((reason) => workers.stop(0, reason));
  for (const line of await workers.start(count, program)) log.info(`${line}; with ${count} workers`);
}

async function serve(config: Config, log: Logger): Promise<void> {
  // Until the service listens, it can exit immediately.
  onStopRequest((reason) => {
    logStop(log, reason);
    logStopped(log);
    process.exit(0);
  });
  const storage = await openStorage(config.storePlace, systemClock, log);
  const tracer = await openTracer(config.traces, log);
  const app = await createApp({ ...config, storage, clock: systemClock, log, tracer });
  const shutdown = new Shutdown(config.shutdownDelayMs, systemClock, {
    begin: (reason) => logStop(log, reason),
    drain: () => app.get(HealthController, { strict: false }).drain(),
    close: () => void close(app, tracer, log),
  });
  onStopRequest((reason) => shutdown.request(reason));
  await listen(app, config, log, storage.description);
}

async function listen(app: NestFastifyApplication, config: Config, log: Logger, place: string): Promise<void> {
  const { host, port, access, metricsSettings, history } = config;
  const needsSecrets = app.get(SourceRegistry, { strict: false }).all.some(({ needsSecret }) => needsSecret);
  const lines: string[] = [];
  const noHistory = history.place ? '' : '; history is off';
  const listenTextResolver = (url: string) => {
    lines.push(
      `Rollcall listens on ${url} and stores presence in ${place}${noHistory}${exposure(access, needsSecrets)}`,
    );
    return '';
  };
  // Logged once, by the first worker.
  if (!access.isRequired && (cluster.worker?.id ?? 1) === 1)
    log.warn('AUTH=off: everyone who can reach the port can read and change presence');
  const { level } = log;
  // Suppresses Fastify's own lines about listening and about failures to listen.
  log.level = 'silent';
  try {
    await app.listen({ port, host, listenTextResolver });
  } catch (error) {
    throw listenError(error, config);
  } finally {
    log.level = level;
  }
  if (metricsSettings.address) {
    const metricsUrl = await serveMetrics(app, metricsSettings.address);
    for (const [n, line] of lines.entries()) lines[n] = `${line}; metrics are at ${metricsUrl}`;
  }
  if (!cluster.worker) for (const line of lines) log.info(line);
  // The primary logs them once all workers listen.
  cluster.worker?.send(lines);
  if (cluster.worker) log.debug({ primary: process.ppid }, 'worker is listening');
}

/** Resolves with the URL. */
async function serveMetrics(app: NestFastifyApplication, address: MetricsAddress): Promise<string> {
  try {
    return await app.get(MetricsServer, { strict: false }).listen(address);
  } catch (error) {
    throw listenError(error, address, 'METRICS_');
  }
}

/** The part of the start line about access without credentials. */
function exposure({ isRequired, apiKeys, callbackSecrets }: AccessSettings, needsSecrets: boolean): string {
  if (!isRequired) return '; AUTH=off';
  const open = [
    ...(apiKeys.length > 0 ? [] : [['API_KEYS', 'REST']]),
    ...(!needsSecrets || callbackSecrets.length > 0 ? [] : [['CALLBACK_SECRETS', 'callbacks']]),
  ];
  if (open.length === 0) return '';
  const [settings, parts] = [open.map(([setting]) => setting), open.map(([, part]) => part)];
  const verb = parts.join() === 'REST' ? 'is' : 'are';
  return `; without ${settings.join(' and ')}, ${parts.join(' and ')} ${verb} open to direct requests on localhost`;
}

async function close(app: NestFastifyApplication, tracer: Tracer, log: Logger): Promise<void> {
  setTimeout(() => app.getHttpServer().closeAllConnections(), CLOSE_TIMEOUT_MS);
  await app.close();
  await tracer.close();
  logStopped(log);
  process.exit(0);
}

function logStop(log: Logger, reason: StopReason): void {
  log[stopLevel()]({ signal: reason }, 'Rollcall is stopping');
}

function logStopped(log: Logger): void {
  log[stopLevel()]('Rollcall has stopped');
}

/** With workers, the primary logs it at level info. */
function stopLevel(): 'info' | 'debug' {
  return cluster.isWorker ? 'debug' : 'info';
}
