// A connection to one server alone, to set it up.
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';

const RETRY_MS = 20;
const TIME_LIMIT_MS = 60_000;

/**
 * @param {{ readonly port: number }} server
 * @param {import('node:tls').ConnectionOptions} [tls] undefined: without TLS
 */
export function adminOf({ port }, tls) {
  const admin = new Redis({ host: '127.0.0.1', port, protocol: 2, maxRetriesPerRequest: null, ...(tls && { tls }) });
  admin.on('error', () => {});
  return admin;
}

/**
 * Repeats `check` until it resolves with true.
 * @param {() => Promise<boolean>} check
 */
export async function until(check) {
  const endMs = Date.now() + TIME_LIMIT_MS;
  for (;;) {
    const outcome = await check().catch((/** @type {Error} */ error) => error);
    if (outcome === true) return;
    if (Date.now() > endMs) throw outcome || new Error('the servers have not found each other in time');
    await wait(RETRY_MS);
  }
}
