// The service as a process: what it is configured to be, started, and stopped on request.
import cluster from 'node:cluster';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { createApp } from './app.js';
import type { AccessSettings } from './auth/access-guard.js';
import { type Config, ConfigError, loadEnvFile, readConfig } from './config/config.js';
import { HealthController } from './observability/health/health.controller.js';
import { createLog } from './observability/logging.js';
import { systemClock } from './runtime/clock.js';
import { listenError } from './runtime/listen-error.js';
import { Shutdown } from './runtime/shutdown.js';
import { startFailure } from './runtime/start-failure.js';
import { onStopRequest, requestStop, type StopReason } from './runtime/stop-requests.js';
import { endWithPrimary, Workers } from './runtime/workers.js';
import { DIALECTS } from './sources/registry.js';
import { openStorage } from './storage/open-storage.js';

/** In-flight callbacks take 2 s at the most; a client that reads its answer too slowly is not waited for. */
const CLOSE_LIMIT_MS = 8_000;

function configure(): Config {
  try {
    // Workers have inherited it.
    if (cluster.isPrimary) loadEnvFile();
    return readConfig(Object.keys(DIALECTS));
  } catch (error) {
    const log = createLog('info');
    for (const problem of error instanceof ConfigError ? error.problems : [String(error)])
      log.fatal(`refused: ${problem}`);
    process.exit(1);
  }
}

/** `program`: what workers run. */
export async function start(program: string): Promise<void> {
  const config = configure();
  const ofProcess = createLog(config.logLevel);
  const log = cluster.isWorker ? ofProcess.child({ worker: process.pid }) : ofProcess;
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
  // Nothing was received yet: there is nothing to wait for, nor to lose.
  onStopRequest((reason) => {
    logStop(log, reason);
    logStopped(log);
    process.exit(0);
  });
  const storage = await openStorage(config.storePlace, systemClock, log);
  const app = await createApp({ ...config, storage, clock: systemClock, log });
  const shutdown = new Shutdown(config.shutdownDelayMs, systemClock, {
    begin: (reason) => logStop(log, reason),
    drain: () => app.get(HealthController, { strict: false }).drain(),
    close: () => void close(app, log),
  });
  onStopRequest((reason) => shutdown.request(reason));
  await listen(app, config, log, storage.description);
}

async function listen(app: NestFastifyApplication, config: Config, log: Logger, place: string): Promise<void> {
  const { host, port, access } = config;
  const lines: string[] = [];
  const listenTextResolver = (url: string) => {
    lines.push(`Rollcall listens on ${url} and keeps presence in ${place}${exposure(access)}`);
    return '';
  };
  // Of several workers the first one says it.
  if (!access.isRequired && (cluster.worker?.id ?? 1) === 1)
    log.warn('AUTH=off: everybody who reaches the port may read and write presence');
  const { level } = log;
  // The framework has lines of its own for where it listens, and for why it cannot.
  log.level = 'silent';
  try {
    await app.listen({ port, host, listenTextResolver });
  } catch (error) {
    throw listenError(error, config);
  } finally {
    log.level = level;
  }
  if (!cluster.worker) for (const line of lines) log.info(line);
  // The primary's to say, when all of them listen.
  cluster.worker?.send(lines);
  if (cluster.worker) log.debug({ primary: process.ppid }, 'a worker listens');
}

/** What the start line says of what needs no credentials. */
function exposure({ isRequired, apiKeys, callbackSecrets }: AccessSettings): string {
  if (!isRequired) return '; AUTH=off';
  const open = [
    ...(apiKeys.length > 0 ? [] : [['API_KEYS', 'REST']]),
    ...(callbackSecrets.length > 0 ? [] : [['CALLBACK_SECRETS', 'callbacks']]),
  ];
  if (open.length === 0) return '';
  const [settings, parts] = [open.map(([setting]) => setting), open.map(([, part]) => part)];
  const verb = parts.join() === 'REST' ? 'is' : 'are';
  return `; without ${settings.join(' and ')}, ${parts.join(' and ')} ${verb} open to direct requests on localhost`;
}

async function close(app: NestFastifyApplication, log: Logger): Promise<void> {
  setTimeout(() => app.getHttpServer().closeAllConnections(), CLOSE_LIMIT_MS);
  await app.close();
  logStopped(log);
  process.exit(0);
}

function logStop(log: Logger, reason: StopReason): void {
  log[stopLevel()]({ signal: reason }, 'Rollcall stops');
}

function logStopped(log: Logger): void {
  log[stopLevel()]('Rollcall has stopped');
}

/** Of workers the primary tells it. */
function stopLevel(): 'info' | 'debug' {
  return cluster.isWorker ? 'debug' : 'info';
}
