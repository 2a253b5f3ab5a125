// The provider's API in virtual time, as Rollcall asks it for reconciliation: a list in regular intervals, and questions about one
// participant. An answer is what the provider knew up to 2 s before, arrives within 0.5 s, and 1 % of them fail. What becomes of an
// answer is decided by the functions that the service uses.
import { isNewsIfListed, isNewsIfUnlisted, observationsOf } from '../../dist/domain/observation.js';
import { askAtMs } from '../../dist/domain/questions.js';
import { randomOf } from '../../simulator/dist/random.js';

const SNAPSHOT_AGE_MS = 2_000;
const LATENCY_MS = 500;
const FAILING_SHARE = 0.01;
const RETRY_MS = 2_000;
/** After this, the provider drops who vanished. */
export const VANISHED_MS = 60_000;
/** `listLagMs` of the policy: longer than the snapshot can be old. */
export const LIST_LAG_MS = 5_000;
/** Of a question that fails twice. */
const QUESTION_MS = 2 * (LATENCY_MS + RETRY_MS) + LATENCY_MS;

/** The answers of all lists of a run. A list is late, outdated or failing for all participants at once. */
export function listsOf({ startMs, untilMs, seed }, everyMs) {
  const lists = [];
  for (let n = 1; startMs + n * everyMs < untilMs; n += 1) {
    const list = answerTo(startMs + n * everyMs, randomOf(seed, n));
    if (!list.isFailed) lists.push(list);
  }
  return lists;
}

/** How long it takes at most until a mistake is known: the longest time between two lists, their age, and the questions. */
export function longestMistakeMs(lists, { startMs, untilMs }) {
  const times = [startMs, ...lists.map(({ askedAtMs }) => askedAtMs), untilMs];
  const gaps = times.slice(1).map((atMs, n) => atMs - times[n]);
  return Math.max(...gaps) + LIST_LAG_MS + LATENCY_MS + QUESTION_MS;
}

/** Sources of events for one participant; see receivers.mjs. `index`: of the participant; `provider`: see providers.mjs. */
export function providerApi(participant, { lists, seed, index, provider }, policy) {
  const devicesAt = (atMs) => connectedAt(participant.sockets, atMs, provider);
  const about = { ...participant, devicesAt };
  const questions = new Questions(about, randomOf(seed, -1 - index), policy);
  return [polled(about, { lists, provider, questions }, policy), questions];
}

function polled({ participantId, devicesAt }, { lists, provider, questions }, policy) {
  let next = 0;
  return {
    nextMs: () => lists[next]?.receivedAtMs ?? Number.POSITIVE_INFINITY,
    take: (nowMs, record) => {
      const list = lists[next];
      next += 1;
      const devices = devicesAt(list.snapshotAtMs);
      if (devices.length > 0 && provider.listsDevices) {
        return observationsOf(observation(participantId, list, devices), record, policy);
      }
      const isNews =
        devices.length > 0
          ? isNewsIfListed(record, list.askedAtMs, policy)
          : record && isNewsIfUnlisted(record, list.askedAtMs, policy);
      if (isNews) questions.add(nowMs);
      return [];
    },
  };
}

/** Questions in doubt, and about what a list leaves to ask. One at a time. */
class Questions {
  #answer;
  #addedMs = Number.POSITIVE_INFINITY;
  #notBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(about, random, policy) {
    this.about = about;
    this.random = random;
    this.policy = policy;
  }

  add(atMs) {
    this.#addedMs = Math.min(this.#addedMs, atMs);
  }

  nextMs(record) {
    if (this.#answer) return this.#answer.receivedAtMs;
    const atMs = Math.min(this.#addedMs, (record && askAtMs(record, this.policy)) ?? Number.POSITIVE_INFINITY);
    return Math.max(atMs, this.#notBeforeMs);
  }

  take(nowMs, record) {
    if (!this.#answer) {
      this.#answer = { ...answerTo(nowMs, this.random), isAdded: this.#addedMs <= nowMs };
      this.#addedMs = Number.POSITIVE_INFINITY;
      return [];
    }
    const { isAdded, ...answer } = this.#answer;
    this.#answer = undefined;
    const { participantId, devicesAt } = this.about;
    const answered = observation(participantId, answer, devicesAt(answer.snapshotAtMs));
    const events = answer.isFailed ? [] : observationsOf(answered, record, this.policy);
    if (events.length === 0) this.#notBeforeMs = nowMs + RETRY_MS;
    if (answer.isFailed && isAdded) this.add(nowMs);
    return events;
  }
}

function answerTo(askedAtMs, random) {
  const isFailed = random() < FAILING_SHARE;
  const snapshotAtMs = askedAtMs - random() * SNAPSHOT_AGE_MS;
  return { askedAtMs, isFailed, snapshotAtMs, receivedAtMs: askedAtMs + Math.ceil(random() * LATENCY_MS) };
}

/** The devices that the provider took for connected. */
function connectedAt(sockets, atMs, { deviceIdOf, tellsStart }) {
  const devices = new Map();
  for (const [index, { deviceId, openedAtMs, noticedAtMs, vanishedAtMs }] of sockets.entries()) {
    if (openedAtMs > atMs || atMs >= Math.min(noticedAtMs, vanishedAtMs + VANISHED_MS)) continue;
    const id = deviceIdOf(deviceId, index + 1);
    devices.set(id, { deviceId: id, ...(tellsStart && { connectedAtMs: openedAtMs }) });
  }
  return [...devices.values()];
}

function observation(participantId, { askedAtMs, receivedAtMs }, devices) {
  return { subject: { source: 'bandwidth', scope: '', participantId }, devices, askedAtMs, receivedAtMs };
}
