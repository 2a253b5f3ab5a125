// The service's recorder, without HTTP. The only file here that depends on the internals of the service.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { DEFAULT_POLICY } from '../dist/domain/policy.js';
import { Recorder } from '../dist/presence/write/recorder.js';
import { systemClock } from '../dist/runtime/clock.js';
import { openStorage } from '../dist/storage/open-storage.js';
import { parseRedisUrl } from '../dist/storage/redis/client/parse-redis-url.js';
import { DEVICE_ID, participantId, tagOf } from './participants.mjs';

/** Two batches in flight and two queued, so that batches are full. */
const AT_ONCE = 512;

/** On Redis at `redisUrl`, or on SQLite in `dataDir`. */
export async function openRecorder({ redisUrl, dataDir = temporaryFolder() }) {
  const log = pino({ level: 'error' }, pino.destination(2));
  const place = {
    redis: redisUrl && parseRedisUrl(redisUrl),
    redisPrefix: 'rollcall',
    redisShards: 1,
    sources: [],
    dataDir,
  };
  const storage = await openStorage(place, systemClock, log);
  return { storage, recorder: new Recorder(storage.records, systemClock, () => DEFAULT_POLICY, log) };
}

/** `kind`: connected, disconnected or left. */
export function lifecycleEvent(kind, n, { occurredAtMs, receivedAtMs, tags }) {
  return {
    subject: { source: 'bandwidth', scope: '', participantId: participantId(n) },
    deviceId: DEVICE_ID,
    kind,
    occurredAtMs,
    receivedAtMs,
    precisionMs: 1,
    tag: tagOf(n, tags),
  };
}

/** Says that a participant is available. */
export function availableEvent(n, times) {
  const subject = { source: 'bandwidth', scope: '', participantId: participantId(n) };
  return { subject, kind: 'available', precisionMs: 1, ...times };
}

/** Calls `work` with 0 to `count` − 1, many of them concurrently. */
export async function together(count, work) {
  let next = 0;
  const worker = async () => {
    for (let n = next++; n < count; n = next++) await work(n);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Removed when the process ends. */
function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
