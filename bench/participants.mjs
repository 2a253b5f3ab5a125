// The participants of the benchmark, the same as those of bench/wrk.lua and callback.lua, and what is told of them.

/** One for all, since it is part of each record as if it were its own. */
export const DEVICE_ID = 'be199214-1a03-402a-a7b6-d002470a0465';

/** Of all that are known, as many share a tag as may take part in a call, unless all have one. */
const PARTICIPANTS_PER_TAG = 10;
const LIFE = ['onConnect', 'onDisconnect', 'onConnect', 'onLeave'];
/** As in callback.lua, and after all that it has told of. */
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

/** The n-th callback, as HTTP, of participants who take turns. `firstTurn`: how far they are in life when it begins. */
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
