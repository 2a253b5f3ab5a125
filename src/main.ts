import cluster from 'node:cluster';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { createApp } from './app.js';
import type { AccessSettings } from './auth/doors.js';
import { type Config, ConfigError, readConfig } from './config/config.js';
import { systemClock } from './platform/clock.js';
import { createLog } from './platform/logging.js';
import { StartError } from './platform/start-error.js';
import { openStore } from './presence/open-store.js';
import { endWithPrimary, Workers } from './workers.js';

/** In-flight callbacks take 2 s at the most; a client that reads its answer too slowly is not waited for. */
const STOP_TIME_LIMIT_MS = 8_000;

function configure(): Config {
  try {
    return readConfig();
  } catch (error) {
    const log = createLog('info');
    for (const problem of error instanceof ConfigError ? error.problems : [String(error)])
      log.fatal(`refused: ${problem}`);
    process.exit(1);
  }
}

async function start(): Promise<void> {
  const config = configure();
  const ofProcess = createLog(config.logLevel);
  const log = cluster.isWorker ? ofProcess.child({ worker: process.pid }) : ofProcess;
  if (cluster.isPrimary) for (const line of config.warnings) log.warn(line);
  if (cluster.isPrimary && config.workers > 1) return startWorkers(config.workers, log);
  try {
    await serve(config, log);
  } catch (error) {
    if (error instanceof StartError) log.fatal(error.message);
    else log.fatal({ err: error }, 'Rollcall cannot start');
    process.exit(1);
  }
}

async function startWorkers(count: number, log: Logger): Promise<void> {
  const workers = new Workers(log);
  onStop((reason) => {
    log.info({ signal: reason }, 'Rollcall stops');
    workers.stop(0);
  });
  for (const line of await workers.start(count, import.meta.filename)) log.info(`${line}; with ${count} workers`);
}

async function serve(config: Config, log: Logger): Promise<void> {
  const store = await openStore(config.storePlace, log);
  const app = await createApp({ ...config, store, clock: systemClock, log });
  onStop((reason) => void stop(app, log, reason));
  const { host, port, access } = config;
  const lines: string[] = [];
  const listenTextResolver = (url: string) => {
    const line = `Rollcall listens on ${url} and keeps presence in ${store.description}${exposure(access)}`;
    lines.push(line);
    return line;
  };
  // Of several workers the first one says it.
  if (!access.isRequired && (cluster.worker?.id ?? 1) === 1)
    log.warn('AUTH=off: everybody who reaches the port may read and write presence');
  const { level } = log;
  // The framework logs these lines as it listens. Those of workers are the primary's to say, when all of them listen.
  if (cluster.isWorker && log.isLevelEnabled('info')) log.level = 'warn';
  await app.listen({ port, host, listenTextResolver });
  log.level = level;
  cluster.worker?.send(lines);
  if (cluster.isWorker) log.debug({ primary: process.ppid }, 'a worker listens');
}

/** npm passes a signal on that the terminal sent to its whole group: it may come twice, and means one stop. */
function onStop(begin: (reason: string) => void): void {
  let isStopping = false;
  const beginOnce = (reason: string) => {
    if (!isStopping) begin(reason);
    isStopping = true;
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, beginOnce);
  if (cluster.worker) endWithPrimary(cluster.worker, () => beginOnce('disconnect'));
}

/** What is said of keys when there are not both kinds of them. */
function exposure({ isRequired, apiKeys, callbackSecrets }: AccessSettings): string {
  if (!isRequired) return '; AUTH=off';
  const missing = [
    ...(apiKeys.length > 0 ? [] : ['API_KEYS']),
    ...(callbackSecrets.length > 0 ? [] : ['CALLBACK_SECRETS']),
  ];
  return missing.length > 0 ? `; on loopback only, since no ${missing.join(' and no ')} are set` : '';
}

async function stop(app: NestFastifyApplication, log: Logger, signal: string): Promise<void> {
  const level = cluster.isWorker ? 'debug' : 'info';
  log[level]({ signal }, 'Rollcall stops');
  const server = app.getHttpServer();
  setTimeout(() => server.closeAllConnections(), STOP_TIME_LIMIT_MS);
  await app.close();
  log[level]('Rollcall has stopped');
  process.exit(0);
}

await start();
