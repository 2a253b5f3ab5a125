// The provider's API in virtual time, as Rollcall will ask it for reconciliation: a list in regular intervals, and questions
// about one participant. An answer is what the provider knew up to 2 s before, arrives within 0.5 s, and 1 % of them fail.
import { askAtMs } from '../../dist/domain/questions.js';
import { randomOf } from '../../simulator/dist/random.js';

const SNAPSHOT_AGE_MS = 2_000;
const LATENCY_MS = 500;
const FAILING_SHARE = 0.01;
const RETRY_MS = 2_000;
/** After this, the provider drops who vanished. */
const VANISHED_MS = 60_000;

/** The answers of all lists of a run. A list is late, outdated or failing for all participants at once. */
export function listsOf({ startMs, untilMs, seed }, everyMs) {
  const lists = [];
  for (let n = 1; startMs + n * everyMs < untilMs; n += 1) {
    const list = answerTo(startMs + n * everyMs, randomOf(seed, n));
    if (!list.isFailed) lists.push(list);
  }
  return lists;
}

/** Sources of events for one participant; see receivers.mjs. `index`: of the participant. */
export function providerApi(participant, { lists, seed, index }, policy) {
  return [polled(participant, lists), questions(participant, randomOf(seed, -1 - index), policy)];
}

function polled({ participantId, sockets }, lists) {
  let next = 0;
  return {
    nextMs: () => lists[next]?.receivedAtMs ?? Number.POSITIVE_INFINITY,
    take: (_, record) => {
      const list = lists[next];
      next += 1;
      const connected = connectedAt(sockets, list.snapshotAtMs);
      return observations(participantId, list, connected, record).filter((event) => isNews(event, record));
    },
  };
}

/** Whether a list contradicts what is known, or settles a doubt. */
function isNews({ deviceId, kind }, record) {
  const device = record?.announced.devices.find((one) => one.deviceId === deviceId);
  if (kind === 'seen') return device?.state !== 'connected' || device.isDoubtful;
  return device?.state === 'connected';
}

function questions({ participantId, sockets }, random, policy) {
  let answer;
  let notBeforeMs = Number.NEGATIVE_INFINITY;
  return {
    nextMs: (record) => {
      if (answer) return answer.receivedAtMs;
      const atMs = record && askAtMs(record, policy);
      return atMs === undefined ? Number.POSITIVE_INFINITY : Math.max(atMs, notBeforeMs);
    },
    take: (nowMs, record) => {
      if (!answer) {
        answer = answerTo(nowMs, random);
        return [];
      }
      const { isFailed, snapshotAtMs } = answer;
      const events = isFailed ? [] : observations(participantId, answer, connectedAt(sockets, snapshotAtMs), record);
      if (isFailed) notBeforeMs = nowMs + RETRY_MS;
      answer = undefined;
      return events;
    },
  };
}

function answerTo(askedAtMs, random) {
  const isFailed = random() < FAILING_SHARE;
  const snapshotAtMs = askedAtMs - random() * SNAPSHOT_AGE_MS;
  return { askedAtMs, isFailed, snapshotAtMs, receivedAtMs: askedAtMs + Math.ceil(random() * LATENCY_MS) };
}

/** The devices that the provider took for connected. */
function connectedAt(sockets, atMs) {
  const open = sockets.filter(({ openedAtMs, noticedAtMs, vanishedAtMs }) => {
    return openedAtMs <= atMs && atMs < Math.min(noticedAtMs, vanishedAtMs + VANISHED_MS);
  });
  return new Set(open.map(({ deviceId }) => deviceId));
}

/** About each device that is known or listed. */
function observations(participantId, { askedAtMs, receivedAtMs }, connected, record) {
  const subject = { source: 'bandwidth', scope: '', participantId };
  const deviceIds = new Set([...(record?.devices.keys() ?? []), ...connected]);
  return [...deviceIds].map((deviceId) => ({
    subject,
    deviceId,
    kind: connected.has(deviceId) ? 'seen' : 'unseen',
    occurredAtMs: askedAtMs - LIST_LAG_MS,
    receivedAtMs,
    askedAtMs,
    precisionMs: 1,
  }));
}

/** `listLagMs` of the policy: longer than the snapshot can be old. */
export const LIST_LAG_MS = 5_000;
