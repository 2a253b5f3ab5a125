import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { createApp } from './app.js';
import type { AccessSettings } from './auth/doors.js';
import { type Config, ConfigError, readConfig } from './config/config.js';
import { systemClock } from './platform/clock.js';
import { createLog } from './platform/logging.js';
import { openStore } from './presence/open-store.js';

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
  const log = createLog(config.logLevel);
  try {
    const store = await openStore(config.storePlace, log);
    const app = await createApp({ ...config, store, clock: systemClock, log });
    // npm passes a signal on that the terminal sent to its whole group: it may come twice, and means one stop.
    let isStopping = false;
    for (const signal of ['SIGINT', 'SIGTERM']) {
      process.on(signal, () => {
        if (!isStopping) void stop(app, log, signal);
        isStopping = true;
      });
    }
    const { host, port, access } = config;
    const listenTextResolver = (url: string) =>
      `Rollcall listens on ${url} and keeps presence in ${store.description}${exposure(access)}`;
    if (!access.isRequired) log.warn('AUTH=off: everybody who reaches the port may read and write presence');
    await app.listen({ port, host, listenTextResolver });
  } catch (error) {
    log.fatal({ err: error }, 'Rollcall cannot start');
    process.exit(1);
  }
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
  log.info({ signal }, 'Rollcall stops');
  const server = app.getHttpServer();
  setTimeout(() => server.closeAllConnections(), STOP_TIME_LIMIT_MS);
  await app.close();
  log.info('Rollcall has stopped');
  process.exit(0);
}

await start();
