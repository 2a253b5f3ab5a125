// A real redis-server for tests, on a free loopback port and with its own data folder.
import { RedisServer as Server, type ServerOptions } from '../../../scripts/redis/server.mjs';
import { closeOnce } from '../../leftovers.js';

export type RedisServer = Server;

export const RedisServer = {
  /** Resolves when it accepts connections. */
  start: (...settings: string[]): Promise<Server> => started({ settings }),
  /** It accepts only TLS. */
  startWithTls: (...settings: string[]): Promise<Server> => started({ settings, isTls: true }),
};

async function started(options: ServerOptions): Promise<Server> {
  const server = await Server.start(options);
  closeOnce(() => server.stop());
  return server;
}
