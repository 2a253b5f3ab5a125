// A separate process: records events as fast as the recorder accepts them, with `atOnce` of them in flight.
import { lifecycleEvent, openRecorder } from './recorder.mjs';
import { usageOf } from './usage.mjs';

const LIFE = ['connected', 'disconnected', 'connected', 'left'];
const PARTICIPANTS = 10_000;

const { place, redisPid, atOnce, warmMs, ms } = JSON.parse(process.argv[2]);
const { recorder, storage } = await openRecorder(place);
const beginMs = Date.now() - 3_600_000;
let next = 0;

/** Resolves with the events per second, and the CPU time of this process and of Redis per event. */
async function measure(forMs) {
  const before = { n: next, ms: performance.now(), cpuS: cpuS() };
  const untilMs = before.ms + forMs;
  await Promise.all(Array.from({ length: atOnce }, () => sendUntil(untilMs)));
  const events = next - before.n;
  const [cpuUs, redisUs] = cpuS().map((seconds, index) => ((seconds - before.cpuS[index]) * 1e6) / events);
  return { perSecond: (events * 1_000) / (performance.now() - before.ms), cpuUs, redisUs };
}

async function sendUntil(untilMs) {
  while (performance.now() < untilMs) {
    const turn = Math.floor(next / PARTICIPANTS);
    const n = next % PARTICIPANTS;
    next += 1;
    const occurredAtMs = beginMs + next;
    await recorder.record(
      lifecycleEvent(LIFE[turn % LIFE.length], n, { occurredAtMs, receivedAtMs: Date.now(), tags: 1 }),
    );
  }
}

function cpuS() {
  return [process.pid, ...(redisPid ? [redisPid] : [])].map((pid) => usageOf(pid).cpuS);
}

await measure(warmMs);
process.stdout.write(JSON.stringify(await measure(ms)));
await storage.close();
