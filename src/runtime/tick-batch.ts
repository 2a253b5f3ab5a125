// The end of the event loop's turn: when all that came in together is there.
//
// Node ends a turn, and comes to what setImmediate was given, when it finds fewer than 1,024 sockets ready: libuv takes so
// many at once, and as many again up to 48 times. Where thousands of connections always had something to say a turn took
// 2.4 s, in which nothing was begun of what setImmediate was to begin. Here what waits for the end of a turn waits for so many
// requests at the most.

/** What is begun at once, at the end of a turn, should not be more than it takes to begin. */
const MOST_REQUESTS = 256;

let calls: (() => void)[] = [];
let requests = 0;

/** `call` must not throw. What is given during such a call is for the end of the next turn. */
export function atTurnsEnd(call: () => void): void {
  if (calls.push(call) > 1) return;
  requests = 0;
  setImmediate(endTurn);
}

/** To be told of each request that comes in. */
export function countRequest(): void {
  requests += 1;
  if (requests % MOST_REQUESTS === 0) endTurn();
}

function endTurn(): void {
  const ended = calls;
  calls = [];
  for (const call of ended) call();
}
