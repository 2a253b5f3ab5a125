// One pino logger for the service, its framework and its HTTP server: JSON, or for people when on a terminal.
import type { LoggerService } from '@nestjs/common';
import { type Logger, pino } from 'pino';
import { escapeJson, parseEscaped } from './log-escaping.js';

/** pino-pretty takes a while to load, so only a terminal loads it. */
const format = process.stdout.isTTY ? await terminalFormat() : escapeJson;

/** For injection. */
export const LOG = Symbol('Log');

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** In bytes: of who does not read the log that fast, the lines that are too many are dropped. */
const MOST_UNREAD = 1024 * 1024;

export function createLog(level: (typeof LOG_LEVELS)[number]): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  // Nobody reads the log any more, or there is no room for it: no reason not to serve.
  process.stdout.on('error', () => {});
  // Pino's own stream would, at the exit, write its last lines to such a place again and again, and never let it end.
  return pino(options, {
    write: (line) => {
      if (process.stdout.writableLength < MOST_UNREAD) process.stdout.write(format(line));
    },
  });
}

/** From pino's lines to what a person reads. `options`: pino-pretty's, in place of the usual ones. */
export async function terminalFormat(options?: { readonly colorize: boolean }): Promise<(line: string) => string> {
  const { prettyFactory } = (await import('pino-pretty')).default;
  const prettify = prettyFactory({ singleLine: true, ...options });
  return (line) => prettify(parseEscaped(line));
}

/** Nest's own lines. What it says of its modules and routes is of use to nobody but who works on them. */
export function nestLog(log: Logger): LoggerService {
  return {
    log: (message) => log.debug(String(message)),
    debug: (message) => log.debug(String(message)),
    verbose: (message) => log.trace(String(message)),
    warn: (message) => log.warn(String(message)),
    error: (message, ...rest) => log.error({ details: rest.map(String) }, String(message)),
    fatal: (message) => log.fatal(String(message)),
  };
}
