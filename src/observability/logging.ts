// One pino logger for the service, Nest and Fastify: JSON, or human-readable on a terminal.
import type { LoggerService } from '@nestjs/common';
import { type Logger, pino } from 'pino';
import { escapeJson, parseEscaped } from './log-escaping.js';

/** pino-pretty is slow to load, so it is loaded only on a terminal. */
const format = process.stdout.isTTY ? await terminalFormat() : escapeJson;

/** Injection token of the logger. */
export const LOG = Symbol('Log');

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** When the reader of the log falls further behind than this, lines are dropped. */
const MAX_UNREAD_BYTES = 1024 * 1024;

export function createLog(level: (typeof LOG_LEVELS)[number]): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  // The reader of the log has exited, or the disk is full: the service continues without a log.
  process.stdout.on('error', () => {});
  // On exit, pino's own stream would retry such writes forever and keep the process from ending.
  return pino(options, {
    write: (line) => {
      if (process.stdout.writableLength < MAX_UNREAD_BYTES) process.stdout.write(format(line));
    },
  });
}

/** Returns a function that formats pino's lines for people. `options` override those for pino-pretty. */
export async function terminalFormat(options?: { readonly colorize: boolean }): Promise<(line: string) => string> {
  const { prettyFactory } = (await import('pino-pretty')).default;
  const prettify = prettyFactory({ singleLine: true, ...options });
  return (line) => prettify(parseEscaped(line));
}

/** Nest's own log lines. Those about modules and routes only help developers, so they are written at level debug. */
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
