// Callbacks at the end of an event loop tick, when all requests that arrived together have been parsed: the natural size of a
// batch.
//
// setImmediate alone is not enough. Within one tick libuv polls again, up to 48 times, as long as 1,024 sockets are ready.
// With thousands of busy connections a tick took 2.4 s, and no immediate ran during it. So a batch also ends after a fixed
// number of requests.

/** A batch of this many requests starts without waiting for the end of the tick. */
const MAX_REQUESTS = 256;

let calls: (() => void)[] = [];
let requests = 0;

/** `call` must not throw. Calls that are added while others run belong to the next tick. */
export function onTickEnd(call: () => void): void {
  if (calls.push(call) > 1) return;
  requests = 0;
  setImmediate(endTick);
}

/** Must be called for each request received. */
export function noteRequest(): void {
  requests += 1;
  if (requests % MAX_REQUESTS === 0) endTick();
}

function endTick(): void {
  const batch = calls;
  calls = [];
  for (const call of batch) call();
}
