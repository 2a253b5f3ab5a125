// A service configured as in production, with its own store and honest callbacks, and what its attackers know.
import { createHash, randomBytes } from 'node:crypto';
import { startNode, startRedis } from '../processes.mjs';
import { HonestLoad } from './honest.mjs';
import { LEAKED, largeCallback } from './large-callback.mjs';
import { ProcessWatch } from './process-watch.mjs';

const PER_SECOND = 150;
const REQUEST_TIME_LIMIT_MS = 5_000;
/** With records of the maximum size, so that lists and pages of the feed are large, too. */
const LARGE_PARTICIPANTS = 300;
/** Twice as many as are used. */
const MAX_PARTICIPANTS = 1_000;
/** Small limits, so that an attack can exhaust them with little traffic. */
const SETTINGS = {
  MAX_CONNECTIONS: '400',
  MAX_IN_FLIGHT: '250',
  MAX_STREAMS: '350',
  MAX_PARTICIPANTS: String(MAX_PARTICIPANTS),
  FEED_MAX_BYTES: String(8 * 2 ** 20),
  QUARANTINE_MAX_BYTES: String(2 ** 20),
  PUBLIC_URL: 'https://rollcall.example.com',
  TRUST_PROXY: '127.0.0.1',
  SHUTDOWN_DELAY_MS: '0',
  LOG_LEVEL: 'warn',
  NODE_OPTIONS: '--max-old-space-size=256',
};

export async function openStage(store) {
  const [opsKey, readKey, ownSecret, leakedSecret] = Array.from({ length: 4 }, () => randomBytes(32).toString('hex'));
  const { port, pid, stop } = await startService(store, {
    API_KEYS: `ops:read+admin:${sha256(opsKey)},reader:read:${sha256(readKey)}`,
    CALLBACK_SECRETS: `${ownSecret},${leakedSecret}`,
  });
  const url = `http://127.0.0.1:${port}`;
  const request = requestWith(url, opsKey);
  const [ownPath, leakedPath] = [ownSecret, leakedSecret].map((secret) => `/callbacks/bandwidth/${secret}`);
  const [position, mintedPath] = [await currentPosition(request), await mintPath(request)];
  await addLargeParticipants(request, ownPath);
  await request(mintedPath, largeCallback(LEAKED));
  const honest = new HonestLoad({ port, path: ownPath, perSecond: PER_SECOND });
  const watch = new ProcessWatch(pid);
  return {
    store,
    url,
    request,
    honest,
    watch,
    /** What attackers know: a stolen key, a leaked secret, a leaked minted URL, and the first position of the feed. */
    target: { readKey, leakedPath, mintedPath, position, maxParticipants: MAX_PARTICIPANTS },
    close: async () => {
      watch.stop();
      await honest.stop();
      await stop();
    },
  };
}

async function startService(store, keys) {
  const redis = store === 'redis' ? await startRedis() : undefined;
  const service = await startNode('dist/main.js', { ...SETTINGS, ...keys, ...(redis && { REDIS_URL: redis.url }) });
  const stop = async () => {
    await service.stop();
    await redis?.stop();
  };
  return { ...service, stop };
}

export async function currentPosition(request) {
  return (await request('/v1/participants?limit=1')).json?.position;
}

/** Resolves with status 0 when there is no answer. */
function requestWith(url, key) {
  return async (path, body) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const signal = AbortSignal.timeout(REQUEST_TIME_LIMIT_MS);
    const sent = body && { method: 'POST', body: JSON.stringify(body) };
    try {
      const response = await fetch(url + path, { ...sent, headers, signal });
      return { status: response.status, json: await response.json().catch(() => undefined) };
    } catch {
      return { status: 0 };
    }
  };
}

async function mintPath(request) {
  const { json } = await request('/v1/callback-urls', { source: 'bandwidth', tag: 'leaked' });
  return new URL(json.callbackUrl).pathname;
}

async function addLargeParticipants(request, path) {
  for (let n = 0; n < LARGE_PARTICIPANTS; n += 20) {
    const numbers = Array.from({ length: 20 }, (_, index) => n + index);
    const answers = await Promise.all(numbers.map((number) => request(path, largeCallback(`large-${number}-`))));
    if (answers.some(({ status }) => status !== 204)) throw new Error('the service refused the initial participants');
  }
}

function sha256(text) {
  return createHash('sha256').update(text).digest('hex');
}
