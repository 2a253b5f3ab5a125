// The participants of the benchmark and their callbacks, the same as in bench/wrk.lua and callback.lua.

/** The same for all participants: each record contains it anyway. */
export const DEVICE_ID = 'be199214-1a03-402a-a7b6-d002470a0465';

/** The typical size of a call, unless all participants share one tag. */
const PARTICIPANTS_PER_TAG = 10;
const LIFE = ['onConnect', 'onDisconnect', 'onConnect', 'onLeave'];
/** Starts after the last event of callback.lua. */
const beginMs = Date.now() - 1_800_000;

export function participantId(n) {
  return `473f6544-92f7-4d67-9e77-bf25${String(n).padStart(8, '0')}`;
}

export function tagCount(known) {
  return Math.ceil(known / PARTICIPANTS_PER_TAG);
}

export function tagOf(n, tags) {
  return `hello-world-phone-${n % tags}`;
}

/** The n-th callback, as HTTP, of participants who take turns. `firstTurn`: the turns they have had before. */
export function callbackRequest(n, { participants, firstTurn }) {
  const turn = firstTurn + Math.floor(n / participants);
  const body = JSON.stringify({
    event: LIFE[turn % LIFE.length],
    timestamp: String(beginMs + firstTurn * participants + n),
    participantId: participantId(n % participants),
    deviceId: DEVICE_ID,
    tag: tagOf(n, 1),
  });
  const head =
    'POST /callbacks/bandwidth HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ';
  return `${head}${body.length}\r\n\r\n${body}`;
}
