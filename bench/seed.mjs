// A process of its own, since SQLite is one process's alone: makes participants known that are connected, through the
// service's own recorder. Told over HTTP it would take many minutes.
import { lifecycleEvent, openRecorder, together } from './recorder.mjs';

/** After so many the feed is trimmed. */
const CHUNK = 50_000;
/**
 * Hardly anything: the service would have to trim a full feed where many are known, and none where few are; and what a
 * feed takes is known to Redis only roughly, which would blur what participants take.
 */
const FEED_LIMITS = { retentionMs: 86_400_000, maxBytes: 64 * 1_024 };

const { place, participants, apart, tags, events } = JSON.parse(process.argv[2]);
const { recorder, storage } = await openRecorder(place);
/** A callback is on its way for so long. */
const DELAY_MS = 80;
/** Before those of bench/callback.lua. */
const startMs = Date.now() - 14_400_000;

/** It comes and goes, and stays at last. */
async function live(n) {
  const life = Array.from({ length: events }, (_, turn) => {
    const occurredAtMs = startMs + n + turn;
    return lifecycleEvent(turn % 2 === 0 ? 'connected' : 'left', n * apart, {
      occurredAtMs,
      receivedAtMs: occurredAtMs + DELAY_MS,
      tags,
    });
  });
  await Promise.all(life.map((event) => recorder.record(event)));
}

for (let first = 0; first < participants; first += CHUNK) {
  await together(Math.min(CHUNK, participants - first), (n) => live(first + n));
  while (await storage.feed.trim(FEED_LIMITS));
}
await storage.close();
