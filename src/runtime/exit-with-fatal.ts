import { escapeJson, escapeStack } from '../observability/log-escaping.js';

/**
 * Writes one last line in the log's format and exits with status 1, for failures before the logger is loaded or while
 * loading it. Must load on any version of Node.js, so it imports only modules that do.
 */
export function exitWithFatal(message: string, error?: Error): never {
  const { name, stack } = error ?? {};
  const line = {
    level: 60,
    time: new Date().toISOString(),
    ...(error && { err: { type: name, stack } }),
    msg: message,
  };
  process.stdout.write(
    `${process.stdout.isTTY ? `FATAL: ${escapeStack(stack ?? message)}` : escapeJson(JSON.stringify(line))}\n`,
  );
  process.exit(1);
}
