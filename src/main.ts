import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { createApp } from './app.js';
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
    const store = await openStore(config, log);
    const { policy, feed } = config;
    const app = await createApp({ store, policy, feed, clock: systemClock, log });
    // npm passes a signal on that the terminal sent to its whole group: it may come twice, and means one stop.
    let isStopping = false;
    for (const signal of ['SIGINT', 'SIGTERM']) {
      process.on(signal, () => {
        if (!isStopping) void stop(app, log, signal);
        isStopping = true;
      });
    }
    const listenTextResolver = (url: string) => `Rollcall listens on ${url} and keeps presence in ${store.description}`;
    await app.listen({ port: config.port, host: config.host, listenTextResolver });
  } catch (error) {
    log.fatal({ err: error }, 'Rollcall cannot start');
    process.exit(1);
  }
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
