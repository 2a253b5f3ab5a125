// Fuzzing with almost valid requests: each is answered or disconnected, at little cost.
import { describe, expect, it } from '@jest/globals';
import { parseApiKeys } from '../../src/auth/api-keys.js';
import { digestOf } from '../../src/auth/secret.js';
import type { ConfiguredSource } from '../../src/sources/registry.js';
import { closeOnce } from '../leftovers.js';
import { lengthOf } from '../length.js';
import { EVERY_DIALECT } from '../sources/every-dialect.js';
import { SIGNED_DIALECTS } from '../sources/signed-dialects.js';
import { CALLBACKS, exchange, mutatedRequest, seeded } from './mutations.js';
import { onEachStore } from './stores.js';

const COUNT = lengthOf(2_000, 100_000);
const SEED = 20_261_123;
const CONCURRENCY = 32;
const SECRET = 'a-secret-of-32-characters-or-more';
const KEY = 'a-key';
const MIB = 1024 * 1024;

/** For the others, see signed-mutations.spec.ts. */
const UNSIGNED = EVERY_DIALECT.filter(({ dialect }) => SIGNED_DIALECTS.every(({ name }) => name !== dialect)) as [
  ConfiguredSource,
  ...ConfiguredSource[],
];

/**
 * The longest turn of the event loop, at most the CPU time that the process has used meanwhile: neither other processes nor threads
 * that collect garbage affect it.
 */
function watchPauses(): { stop: () => number } {
  const now = () => {
    const { user, system } = process.cpuUsage();
    return { wallMs: performance.now(), cpuMs: (user + system) / 1_000 };
  };
  let last = now();
  let longestMs = 0;
  const timer = setInterval(() => {
    const next = now();
    longestMs = Math.max(longestMs, Math.min(next.wallMs - last.wallMs, next.cpuMs - last.cpuMs));
    last = next;
  }, 1);
  const stop = () => {
    clearInterval(timer);
    return longestMs;
  };
  return { stop: closeOnce(stop) };
}

describe.each(onEachStore())('almost valid requests to the service on %s', (_, start) => {
  it(`cause no 5xx, no long pause and no memory growth (${COUNT} of them)`, async () => {
    const apiKeys = parseApiKeys(`fuzz:read+admin:${digestOf(KEY).toString('hex')}`);
    const access = { apiKeys, callbackSecrets: [SECRET], publicUrl: 'https://x.example' };
    const timeouts = { requestMs: 1_000, stalledWriteMs: 1_000, checkMs: 100 };
    expect(Object.keys(CALLBACKS)).toEqual(UNSIGNED.map(({ dialect }) => dialect));
    const service = await start({
      sources: UNSIGNED,
      access,
      http: { rateLimitPerMinute: 10_000_000, timeouts },
    });
    const port = Number(new URL(service.url).port);
    const random = seeded(SEED);
    const statuses = new Map<number, number>();
    let pauses: ReturnType<typeof watchPauses> | undefined;
    let sent = 0;
    let firstRss = 0;
    const sender = async () => {
      while (sent < COUNT) {
        sent += 1;
        if (sent === Math.floor(COUNT / 4)) {
          firstRss = process.memoryUsage().rss;
          pauses = watchPauses();
        }
        const request = mutatedRequest(random, SECRET, KEY);
        for (const status of await exchange(port, request)) {
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          if (status >= 500)
            throw new Error(`${status} to ${JSON.stringify(request.toString('latin1').slice(0, 2_000))}`);
        }
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, sender));
    const longestPauseMs = pauses?.stop();
    const grownMib = (process.memoryUsage().rss - firstRss) / MIB;
    expect(statuses.get(204)).toBeGreaterThan(0);
    expect(statuses.get(400)).toBeGreaterThan(COUNT / 50);
    expect(longestPauseMs).toBeLessThan(200);
    expect(grownMib).toBeLessThan(150);
    expect((await service.request('/health/ready')).status).toBe(200);
    expect(service.logged.filter(({ level }) => Number(level) >= 50)).toEqual([]);
    await service.stop();
  }, 3_600_000);
});
