import { escapeJson, escapeStack } from '../observability/log-escaping.js';

/**
 * Ends the process with 1 and one last line in the format of the log, for when the log is not there: not loaded yet, or
 * what cannot be loaded. It must load on any Node.js, and so imports only what does, too.
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
