import { describe, expect, it } from '@jest/globals';
import { DeliveryQueue, MAX_SENDING, MAX_WAITING } from '../../src/webhooks/delivery/delivery-queue.js';
import { messageIdOf } from '../../src/webhooks/delivery/message.js';
import {
  MAX_FAILING_MS,
  MAX_REFUSED_MS,
  PROBE_MS,
  retryDelayMs,
  verdictOf,
} from '../../src/webhooks/delivery/retry.js';
import { positionAt, waiting } from './changes.js';

const refused = { pauseMs: 0, random: 0.5 };
const HOUR_MS = 3_600_000;

/** A queue with one change of each participant, in the order given. */
function queueOf(...participants: string[]): DeliveryQueue {
  const queue = new DeliveryQueue(positionAt(0));
  queue.add(
    participants.map((name, n) => waiting(name, n + 1)),
    positionAt(participants.length),
  );
  return queue;
}

const namesOf = (messages: ReturnType<DeliveryQueue['take']>) =>
  messages.map(({ changes }) => changes.map(({ change }) => `${change.subject.participantId}${change.version}`).join());

describe('the delivery queue', () => {
  it('sends one change of a participant at a time, and those of others beside it', () => {
    const queue = queueOf('a', 'a', 'b', 'a', 'c');
    const first = queue.take(0, 1);
    expect(namesOf(first)).toEqual(['a1', 'b3', 'c5']);
    expect(queue.take(0, 1)).toEqual([]);
    const [a1, b3] = first;
    if (b3) queue.delivered(b3, 0);
    expect(queue.take(0, 1)).toEqual([]);
    if (a1) queue.delivered(a1, 0);
    expect(namesOf(queue.take(0, 1))).toEqual(['a2']);
  });

  it('puts as many changes in a batch as there are, in order, and none beside an earlier one of its participant', () => {
    const queue = queueOf('a', 'b', 'a', 'c', 'b', 'd');
    const [first, second] = queue.take(0, 4);
    expect(namesOf([first, second] as never)).toEqual(['a1,b2,a3,c4', 'd6']);
    if (first) queue.failed(first, 0, refused);
    expect(queue.take(0, 4)).toEqual([]);
    const [again] = queue.take(HOUR_MS, 4);
    expect(namesOf([again] as never)).toEqual(['a1,b2,a3,c4']);
    expect(again && messageIdOf(again)).toBe(first && messageIdOf(first));
    if (again) queue.delivered(again, HOUR_MS);
    expect(namesOf(queue.take(HOUR_MS, 4))).toEqual(['b5']);
  });

  it('does not put a new change of a participant beside one that is to be repeated', () => {
    const queue = queueOf('a', 'b');
    const [both] = queue.take(0, 2);
    if (both) queue.failed(both, 0, refused);
    queue.add([waiting('c', 3), waiting('a', 4), waiting('c', 5)], positionAt(5));
    expect(namesOf(queue.take(1, 2))).toEqual(['c3,c5']);
    queue.add([waiting('d', 6), waiting('d', 7)], positionAt(7));
    expect(namesOf(queue.take(HOUR_MS, 2))).toEqual(['a1,b2', 'd6,d7']);
  });

  it('has a limited number of requests in progress', () => {
    const queue = queueOf(...Array.from({ length: 100 }, (_, n) => `p${n}-`));
    expect(queue.take(0, 1)).toHaveLength(MAX_SENDING);
    expect(queue.take(0, 1)).toEqual([]);
    expect(queueOf(...Array.from({ length: 100 }, (_, n) => `p${n}-`)).take(0, 3)).toHaveLength(MAX_SENDING);
  });

  it('has the position of the oldest change that is not settled', () => {
    const queue = queueOf('a', 'b', 'c');
    const [a, b, c] = queue.take(0, 1);
    if (b) queue.delivered(b, 0);
    expect(queue.position).toEqual(positionAt(0));
    if (a) queue.delivered(a, 0);
    expect(queue.position).toEqual(positionAt(2));
    if (c) queue.delivered(c, 0);
    expect(queue.position).toEqual(positionAt(3));
    queue.add([], positionAt(9));
    expect(queue.position).toEqual(positionAt(9));
  });

  it('repeats a refused message later and later, while others go on', () => {
    const queue = queueOf('a');
    const delays: number[] = [];
    for (let [nowMs, failures] = [0, 0]; failures < 9; failures += 1) {
      const [message] = queue.take(nowMs, 1);
      if (message) queue.failed(message, nowMs, refused);
      const nextMs = Number(queue.messages[0]?.nextAtMs);
      delays.push((nextMs - nowMs) / 1_000);
      expect(queue.take(nextMs - 1, 1)).toEqual([]);
      nowMs = nextMs;
      queue.add([waiting('b', failures + 10)], positionAt(failures + 10));
      const [, other] = queue.take(nowMs, 1);
      if (other) queue.delivered(other, nowMs);
      for (const one of queue.messages) queue.released(one);
    }
    expect(delays).toEqual([5, 30, 120, 600, 1_800, 3_600, 7_200, 7_200, 7_200]);
  });

  it('waits as long as the endpoint asks for', () => {
    const queue = queueOf('a', 'b');
    const [a, b] = queue.take(0, 1);
    if (a) queue.failed(a, 0, { pauseMs: 60_000, random: 0.5 });
    if (b) queue.delivered(b, 0);
    queue.add([waiting('c', 3)], positionAt(3));
    // Another request was accepted at the same time.
    expect(queue.take(59_999, 1)).toEqual([]);
    expect(namesOf(queue.take(60_000, 1))).toEqual(['a1', 'c3']);
    const paused = queueOf('a', 'b');
    const [first] = paused.take(0, 1);
    if (first) paused.failed(first, 0, { pauseMs: 60_000, random: 0.5 });
    paused.add([waiting('c', 3)], positionAt(3));
    expect(paused.take(59_999, 1)).toEqual([]);
    expect(paused.nextAtMs(0)).toBe(60_000);
    expect(namesOf(paused.take(60_000, 1))).toEqual(['a1', 'c3']);
  });

  it('probes a failing endpoint with one request at a time, and sends everything once one was taken', () => {
    const queue = queueOf(...'abcdefghij'.split(''));
    for (const message of queue.take(0, 1)) queue.failed(message, 0, refused);
    expect(queue.isFailing).toBe(true);
    expect(queue.take(PROBE_MS - 1, 1)).toEqual([]);
    expect(queue.nextAtMs(PROBE_MS - 1)).toBe(PROBE_MS);
    const [probe] = queue.take(PROBE_MS, 1);
    expect(namesOf([probe] as never)).toEqual(['a1']);
    expect(queue.take(PROBE_MS, 1)).toEqual([]);
    if (probe) queue.failed(probe, PROBE_MS, { pauseMs: 0, random: 1 });
    expect(queue.take(PROBE_MS, 1)).toEqual([]);
    const [second] = queue.take(2 * PROBE_MS, 1);
    expect(namesOf([second] as never)).toEqual(['b2']);
    if (second) queue.delivered(second, 2 * PROBE_MS);
    expect(namesOf(queue.take(2 * PROBE_MS, 1))).toEqual('a1 c3 d4 e5 f6 g7 h8 i9 j10'.split(' '));
  });

  /** Refuses the change of `a` so often, once an hour, and takes another one each time. */
  function refuseHourly(queue: DeliveryQueue, times: number): void {
    for (let n = 0; n < times; n += 1) {
      const [a] = queue.take(n * HOUR_MS, 1);
      if (a) queue.failed(a, n * HOUR_MS, { pauseMs: 0, random: 0 });
      queue.add([waiting('b', n + 10)], positionAt(n + 10));
      const [b] = queue.take(n * HOUR_MS, 1);
      if (b) queue.delivered(b, n * HOUR_MS + 1);
    }
  }

  it('sets a message aside that is refused for a day, while others are taken', () => {
    const queue = queueOf('a', 'a');
    refuseHourly(queue, 9);
    expect(queue.messages[0]).toMatchObject({ failures: 8, refusals: 7 });
    expect(queue.takeDeadLetters(MAX_REFUSED_MS - 1)).toEqual([]);
    expect(namesOf(queue.takeDeadLetters(MAX_REFUSED_MS))).toEqual(['a1']);
    expect(namesOf(queue.take(MAX_REFUSED_MS, 1))).toEqual(['a2']);
  });

  it('sets nothing aside after an outage, however long it was', () => {
    const queue = queueOf('a', 'b', 'c');
    for (let n = 0; n < 40; n += 1) {
      for (const message of queue.take(n * HOUR_MS, 1)) queue.failed(message, n * HOUR_MS, refused);
    }
    const endMs = 50 * HOUR_MS;
    const [probe] = queue.take(endMs, 1);
    if (probe) queue.delivered(probe, endMs);
    expect(queue.takeDeadLetters(endMs)).toEqual([]);
    const rest = queue.take(endMs, 1);
    expect(rest).toHaveLength(2);
    for (const message of rest) queue.failed(message, endMs, refused);
    expect(queue.takeDeadLetters(endMs)).toEqual([]);
  });

  it('sets the first message that was often refused aside when too many wait', () => {
    const queue = queueOf('a');
    refuseHourly(queue, 9);
    expect(queue.takeDeadLetters(9 * HOUR_MS)).toEqual([]);
    for (let n = 20; !queue.isFull; n += 1) queue.add([waiting('a', n)], positionAt(n));
    expect(queue.messages).toHaveLength(MAX_WAITING);
    expect(namesOf(queue.takeDeadLetters(9 * HOUR_MS))).toEqual(['a1']);
    expect(queue.takeDeadLetters(9 * HOUR_MS)).toEqual([]);
  });

  it('gives up an endpoint that takes nothing for days', () => {
    const queue = queueOf('a');
    const [a] = queue.take(0, 1);
    if (a) queue.failed(a, 0, refused);
    expect(queue.isGivenUp(MAX_FAILING_MS - 1)).toBe(false);
    expect(queue.isGivenUp(MAX_FAILING_MS)).toBe(true);
    const [again] = queue.take(HOUR_MS, 1);
    if (again) queue.delivered(again, HOUR_MS);
    expect(queue.isGivenUp(2 * MAX_FAILING_MS)).toBe(false);
  });

  it('sends everything at once when it is told to', () => {
    const queue = queueOf(...'abcdefgh'.split(''));
    for (const message of queue.take(0, 1)) queue.failed(message, 0, { pauseMs: HOUR_MS, random: 0.5 });
    expect(queue.take(1, 1)).toEqual([]);
    queue.retryNow();
    expect(queue.take(1, 1)).toHaveLength(8);
  });

  it('counts failures anew when it is told to send', () => {
    const queue = queueOf('a');
    const [a] = queue.take(0, 1);
    if (a) queue.failed(a, 0, refused);
    queue.retryNow();
    const [again] = queue.take(MAX_FAILING_MS, 1);
    if (again) queue.failed(again, MAX_FAILING_MS, refused);
    expect(queue.health.failures).toBe(1);
    expect(queue.isGivenUp(2 * MAX_FAILING_MS - 1)).toBe(false);
    expect(queue.isGivenUp(2 * MAX_FAILING_MS)).toBe(true);
  });

  /** A queue of changes of 64 participants, 16 of which have just failed. */
  function failingQueue(isRejected: boolean): DeliveryQueue {
    const queue = queueOf(...Array.from({ length: 64 }, (_, n) => `p${n}-`));
    for (const message of queue.take(0, 1)) queue.failed(message, 0, { ...refused, isRejected });
    expect(queue.isFailing).toBe(true);
    return queue;
  }

  it('probes a failing endpoint with what was tried least', () => {
    const queue = failingQueue(false);
    const [first] = queue.take(HOUR_MS, 1);
    expect(namesOf([first] as never)).toEqual(['p16-17']);
    if (first) queue.failed(first, HOUR_MS, refused);
    expect(namesOf(queue.take(2 * HOUR_MS, 1))).toEqual(['p17-18']);
  });

  it('probes a failing endpoint with the first change of a participant, however often it was tried', () => {
    const queue = queueOf('a', 'a', 'a');
    for (let n = 0; n < 9; n += 1) {
      const taken = queue.take(n * 3 * HOUR_MS, 1);
      expect(namesOf(taken)).toEqual(['a1']);
      for (const message of taken) queue.failed(message, n * 3 * HOUR_MS, refused);
    }
  });

  it.each([
    ['has room for others beside the messages that an endpoint rejects', true],
    ['has no room for others while an endpoint is down', false],
  ])('%s', (_, isRejected) => {
    expect(failingQueue(isRejected).isFull).toBe(!isRejected);
  });

  it('goes on with others, and soon sets aside what is rejected if too much waits', () => {
    const queue = failingQueue(true);
    let nowMs = 0;
    for (let count = 64; queue.takeDeadLetters(nowMs).length === 0 && nowMs < MAX_REFUSED_MS / 2; nowMs += PROBE_MS) {
      // Each time one change that is rejected, and one that is not.
      for (const name of ['p', 'accepted']) {
        if (queue.isFull) break;
        count += 1;
        queue.add([waiting(`${name}${count}-`, count)], positionAt(count));
      }
      for (const message of queue.take(nowMs, 1)) {
        const isAccepted = namesOf([message])[0]?.startsWith('accepted');
        if (isAccepted) queue.delivered(message, nowMs);
        else queue.failed(message, nowMs, { ...refused, isRejected: true });
      }
    }
    expect(queue.health.lastDeliveryMs).toBeGreaterThan(0);
    expect(nowMs).toBeLessThan(MAX_REFUSED_MS / 2);
  });

  it('sends what was rejected at its own time, and the rest at once, when a failing endpoint accepts one', () => {
    const queue = queueOf(...'abcdefgh'.split(''));
    for (const [n, message] of queue.take(0, 1).entries()) queue.failed(message, 0, { ...refused, isRejected: n < 6 });
    const [probe] = queue.take(PROBE_MS, 1);
    if (probe) queue.failed(probe, PROBE_MS, { ...refused, isRejected: true });
    queue.add([waiting('i', 9)], positionAt(9));
    const [accepted] = queue.take(2 * PROBE_MS, 1);
    expect(namesOf([accepted] as never)).toEqual(['i9']);
    if (accepted) queue.delivered(accepted, 2 * PROBE_MS);
    expect(queue.messages.filter(({ nextAtMs }) => nextAtMs === 0)).toHaveLength(2);
  });

  it('tells of a gap first, and of two in a row once', () => {
    const queue = queueOf('a');
    queue.addGap({ from: positionAt(1), to: positionAt(5), atMs: 7 });
    queue.addGap({ from: positionAt(5), to: positionAt(8), atMs: 9 });
    const [gap, a] = queue.take(0, 1);
    expect(gap?.gap).toEqual({ from: positionAt(1), to: positionAt(8), atMs: 9 });
    expect(namesOf([a] as never)).toEqual(['a1']);
    queue.addGap({ from: positionAt(8), to: positionAt(10), atMs: 11 });
    expect(queue.messages.filter((message) => message.gap)).toHaveLength(2);
    expect(queue.cursor).toEqual(positionAt(10));
  });
});

describe('retries', () => {
  it('are early or late by up to a fifth', () => {
    expect(retryDelayMs(1, 0)).toBe(4_000);
    expect(retryDelayMs(1, 1)).toBe(6_000);
    expect(retryDelayMs(99, 0.5)).toBe(7_200_000);
  });

  it.each([
    [{ status: 200, body: '' }, { outcome: 'delivered' }],
    [{ status: 204, body: '' }, { outcome: 'delivered' }],
    [
      { status: 301, body: '' },
      { outcome: 'failed', pauseMs: 0 },
    ],
    [{ status: 410, body: '' }, { outcome: 'gone' }],
    [
      { status: 422, body: '' },
      { outcome: 'rejected', pauseMs: 0 },
    ],
    [
      { status: 429, body: '', retryAfterMs: 7_000 },
      { outcome: 'failed', pauseMs: 7_000 },
    ],
    [
      { status: 503, body: '', retryAfterMs: 9e9 },
      { outcome: 'failed', pauseMs: 3_600_000 },
    ],
    [{ error: 'ECONNREFUSED' }, { outcome: 'failed', pauseMs: 0 }],
  ])('depend on the answer %j', (answer, verdict) => {
    expect(verdictOf(answer)).toEqual(verdict);
  });
});
