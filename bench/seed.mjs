// Fills a store with connected participants through the service's recorder: over HTTP it would take many minutes. Runs in a
// separate process, since only one process can use an SQLite file.
import { availableEvent, lifecycleEvent, openRecorder, together } from './recorder.mjs';

/** The feed is trimmed after this many events. */
const CHUNK = 50_000;
/**
 * A minimal feed. Otherwise the service would trim a full feed with many participants and none with few; and Redis knows the
 * size of a stream only roughly, which would blur the memory of participants.
 */
const FEED_LIMITS = { retentionMs: 86_400_000, maxBytes: 64 * 1_024 };

const { place, participants, apart, tags, events, available, end } = JSON.parse(process.argv[2]);
const { recorder, storage } = await openRecorder(place);
/** The delay from an event to its receipt. */
const DELAY_MS = 80;
/** Earlier than the events of bench/callback.lua. */
const startMs = Date.now() - 14_400_000;

/** Each participant connects and leaves in turns, and is connected at the end, unless `end` is another event. */
async function live(n) {
  const life = Array.from({ length: events }, (_, turn) => {
    const occurredAtMs = startMs + n + turn;
    return lifecycleEvent(turn % 2 === 0 ? 'connected' : 'left', n * apart, {
      occurredAtMs,
      receivedAtMs: occurredAtMs + DELAY_MS,
      tags,
    });
  });
  const occurredAtMs = startMs + n + events;
  // Just now, so that its deadline is still to come.
  const nowMs = Date.now();
  if (end) life.push(lifecycleEvent(end, n * apart, { occurredAtMs: nowMs - DELAY_MS, receivedAtMs: nowMs, tags }));
  if (available) life.push(availableEvent(n * apart, { occurredAtMs, receivedAtMs: occurredAtMs + DELAY_MS }));
  await Promise.all(life.map((event) => recorder.record(event)));
}

for (let first = 0; first < participants; first += CHUNK) {
  await together(Math.min(CHUNK, participants - first), (n) => live(first + n));
  while (await storage.feed.trim(FEED_LIMITS));
}
await storage.close();
