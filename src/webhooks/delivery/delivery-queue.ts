// What waits to be delivered to one endpoint, and the rules for what is sent next: in order for each participant, some messages at
// the same time, fewer when the endpoint fails. No I/O and no clock. What was read and is not here is settled: it was delivered,
// or is a dead letter.
import type { FeedPosition } from '../../storage/feed-position.js';
import { type Gap, type Message, orderKeysOf, type WaitingChange, type WaitingEvent } from './message.js';
import { MAX_FAILING_MS, MAX_REFUSED_MS, PROBE_AFTER_FAILURES, PROBE_MS, retryDelayMs } from './retry.js';

/** Requests in progress. */
export const MAX_SENDING = 16;
/** Reading pauses at this many messages. */
export const MAX_WAITING = 1_000;
/** While the endpoint fails, of those that it has not rejected: they only take memory. */
const MAX_WAITING_FAILING = 64;
/** A message becomes a dead letter only if it was refused this often: not for what fails once, as after an outage. */
const MIN_REFUSALS = 5;

/** The outcome of recent attempts. */
export interface Health {
  /** In a row. */
  readonly failures: number;
  /** The first one of these; undefined if there are none. */
  readonly failingSinceMs?: number | undefined;
  readonly lastFailureMs?: number | undefined;
  readonly lastDeliveryMs?: number | undefined;
  /** The endpoint wants no requests until then. */
  readonly pausedUntilMs?: number | undefined;
}

export interface Failure {
  /** As the endpoint has asked for. */
  readonly pauseMs: number;
  /** From 0 to 1. */
  readonly random: number;
  /** As in Message. */
  readonly isRejected?: boolean;
}

const NEW = { isSealed: false, isSending: false, failures: 0, refusals: 0, nextAtMs: 0 };

export class DeliveryQueue {
  /** In the order in which their first changes were read. */
  #messages: Message[];
  #health: Health;
  #cursor: FeedPosition;
  #eventCursor: number;

  /** `cursor`, `eventCursor`: everything up to here was read. */
  constructor(
    cursor: FeedPosition,
    messages: readonly Message[] = [],
    health: Health = { failures: 0 },
    eventCursor = 0,
  ) {
    this.#cursor = cursor;
    this.#eventCursor = eventCursor;
    this.#messages = [...messages];
    this.#health = health;
  }

  get messages(): readonly Message[] {
    return this.#messages;
  }

  get health(): Health {
    return this.#health;
  }

  get cursor(): FeedPosition {
    return this.#cursor;
  }

  /** The number of the last occupancy event that was read. */
  get eventCursor(): number {
    return this.#eventCursor;
  }

  /** Everything before it is settled: what must be read again after a crash. */
  get position(): FeedPosition {
    const first = this.#messages.find(({ changes }) => changes.length > 0);
    return first?.changes[0]?.before ?? this.#cursor;
  }

  get changeCount(): number {
    return this.#messages.reduce((sum, { changes }) => sum + changes.length, 0);
  }

  /** When the first change in it was received, or the first event derived; undefined: there is none. */
  get oldestAtMs(): number | undefined {
    const first = this.#messages.find(({ gap }) => gap === undefined);
    return first?.changes[0]?.change.receivedAtMs ?? first?.event?.atMs;
  }

  get sendingCount(): number {
    return this.#messages.filter(({ isSending }) => isSending).length;
  }

  /** Many failures in a row, so that the endpoint as a whole is probably at fault. */
  get isFailing(): boolean {
    return this.#health.failures >= PROBE_AFTER_FAILURES;
  }

  /** Messages that were rejected leave room for others, which the endpoint may accept. */
  get isFull(): boolean {
    if (this.#messages.length >= MAX_WAITING) return true;
    return this.isFailing && this.#messages.filter(({ isRejected }) => !isRejected).length >= MAX_WAITING_FAILING;
  }

  /** `changes`: in the order of the feed. `cursor`: everything up to here was read, whether or not it is among them. */
  add(changes: readonly Omit<WaitingChange, 'before'>[], cursor: FeedPosition): void {
    for (const change of changes) {
      const waiting: WaitingChange = { ...change, before: this.#cursor };
      this.#messages.push({ ...NEW, changes: [waiting] });
      this.#cursor = change.position;
    }
    this.#cursor = cursor;
  }

  /** `cursor`: all occupancy events up to this number were read, whether or not they are among them. */
  addEvents(events: readonly WaitingEvent[], cursor: number): void {
    this.#messages.push(...events.map((event) => ({ ...NEW, changes: [], event })));
    this.#eventCursor = cursor;
  }

  /** Reading goes on after the gap. Two gaps without a delivery in between are told as one. */
  addGap(gap: Gap): void {
    const [first] = this.#messages;
    const isSame = first?.gap !== undefined && !first.isSealed;
    const from = isSame ? (first.gap?.from ?? gap.from) : gap.from;
    const message: Message = { ...NEW, changes: [], gap: { ...gap, from } };
    this.#messages = [message, ...(isSame ? this.#messages.slice(1) : this.#messages)];
    this.#cursor = gap.to;
  }

  /** The messages to send now. They count as being sent until `delivered` or `failed` is called. `batch`: the most changes in one. */
  take(nowMs: number, batch: number): Message[] {
    const free = this.#freeAt(nowMs);
    const only = this.isFailing && free > 0 ? leastTried(this.#messages, nowMs) : undefined;
    const next = chooseNext(this.#messages, { nowMs, batch, free, only });
    this.#messages = next.messages;
    return next.taken;
  }

  delivered(message: Message, nowMs: number): void {
    const wasFailing = this.isFailing;
    this.#messages = this.#messages.filter((one) => one !== message);
    const { pausedUntilMs = 0 } = this.#health;
    // The answer to another request may have asked for a pause meanwhile.
    this.#health = { failures: 0, lastDeliveryMs: nowMs, ...(pausedUntilMs > nowMs && { pausedUntilMs }) };
    if (!wasFailing) return;
    // They were refused because the endpoint was unavailable, except those that it has rejected.
    this.#messages = this.#messages.map((one) => (one.isSending || one.isRejected ? one : { ...one, nextAtMs: 0 }));
  }

  failed(message: Message, nowMs: number, { pauseMs, random, isRejected = false }: Failure): void {
    const { failures, failingSinceMs = nowMs, pausedUntilMs = 0, ...rest } = this.#health;
    const pausedMs = Math.max(pausedUntilMs, nowMs + pauseMs);
    this.#health = {
      ...rest,
      failures: failures + 1,
      failingSinceMs,
      lastFailureMs: nowMs,
      ...(pausedMs > nowMs && { pausedUntilMs: pausedMs }),
    };
    const { firstFailedAtMs = nowMs } = message;
    const nextAtMs = nowMs + Math.max(pauseMs, retryDelayMs(message.failures + 1, random));
    const refusals = message.refusals + (Number(rest.lastDeliveryMs) >= firstFailedAtMs ? 1 : 0);
    const failed = { failures: message.failures + 1, refusals, firstFailedAtMs, nextAtMs, isRejected };
    const again = { ...message, ...failed, isSending: false };
    this.#messages = this.#messages.map((one) => (one === message ? again : one));
  }

  /** Lets everything be sent at once: what made the endpoint fail may have been corrected, so that its failures count anew. */
  retryNow(): void {
    const { lastDeliveryMs } = this.#health;
    this.#health = { failures: 0, lastDeliveryMs };
    this.#messages = this.#messages.map((one) => (one.isSending ? one : { ...one, nextAtMs: 0 }));
  }

  /** The sending was interrupted by ourselves. */
  released(message: Message): void {
    this.#messages = this.#messages.map((one) => (one === message ? { ...message, isSending: false } : one));
  }

  /**
   * Removes and returns the messages that are refused for too long, while the endpoint takes others. If too many wait, the first one
   * that was refused often is enough, so that the others go on.
   */
  takeDeadLetters(nowMs: number): Message[] {
    const refused = this.#messages.filter(({ isSending, refusals }) => !isSending && refusals >= MIN_REFUSALS);
    const deadLetters = refused.filter(({ firstFailedAtMs = nowMs }) => nowMs - firstFailedAtMs >= MAX_REFUSED_MS);
    // While it fails, only what it has rejected: an outage is not the fault of the others.
    const first = refused.find(({ isRejected }) => isRejected || !this.isFailing);
    if (deadLetters.length === 0 && first && this.#messages.length >= MAX_WAITING) deadLetters.push(first);
    if (deadLetters.length > 0) this.#messages = this.#messages.filter((message) => !deadLetters.includes(message));
    return deadLetters;
  }

  /** Whether the endpoint has taken nothing for so long that it is given up. */
  isGivenUp(nowMs: number): boolean {
    const { failingSinceMs } = this.#health;
    return failingSinceMs !== undefined && nowMs - failingSinceMs >= MAX_FAILING_MS;
  }

  /** When `take` may have more, if nothing else happens; undefined: never. */
  nextAtMs(nowMs: number): number | undefined {
    const waiting = this.#messages.filter(({ isSending }) => !isSending);
    if (waiting.length === 0) return undefined;
    const { pausedUntilMs = 0, lastFailureMs = Number.NEGATIVE_INFINITY } = this.#health;
    const freeMs = Math.max(pausedUntilMs, this.isFailing ? lastFailureMs + PROBE_MS : 0);
    // One that is due, but must wait for an earlier one, needs no time: it is looked at again when that one has ended.
    const times = waiting.map((message) => Math.max(message.nextAtMs, freeMs)).filter((timeMs) => timeMs > nowMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #freeAt(nowMs: number): number {
    const { pausedUntilMs = 0, lastFailureMs = Number.NEGATIVE_INFINITY } = this.#health;
    if (pausedUntilMs > nowMs) return 0;
    if (!this.isFailing) return MAX_SENDING - this.sendingCount;
    return this.sendingCount === 0 && nowMs >= lastFailureMs + PROBE_MS ? 1 : 0;
  }
}

interface Choice {
  readonly nowMs: number;
  readonly batch: number;
  /** How many more messages may be sent. */
  readonly free: number;
  /** The only one that may be sent; undefined: any. */
  readonly only: Message | undefined;
}

/**
 * What a failing endpoint is probed with: it may reject one kind of change and accept others, so that each gets its turn. undefined:
 * nothing can be sent.
 */
function leastTried(messages: readonly Message[], nowMs: number): Message | undefined {
  const earlier = new Set<string>();
  let least: Message | undefined;
  for (const message of messages) {
    const keys = orderKeysOf(message);
    const isBlocked = keys.some((key) => earlier.has(key));
    if (!isBlocked && isDue(message, nowMs) && message.failures < (least?.failures ?? Number.POSITIVE_INFINITY)) {
      least = message;
    }
    for (const key of keys) earlier.add(key);
  }
  return least;
}

function isDue({ isSending, nextAtMs }: Message, nowMs: number): boolean {
  return !isSending && nextAtMs <= nowMs;
}

/** One that stays in the queue, or is taken, perhaps with the changes of later ones. */
interface Slot {
  readonly message: Message;
  readonly changes: WaitingChange[];
  readonly isTaken: boolean;
}

/** Takes each message that is due, unless a participant of it has an earlier message that is not settled. */
function chooseNext(messages: readonly Message[], { nowMs, batch, free, only }: Choice) {
  const slots: Slot[] = [];
  const blocked = new Set<string>();
  let takenCount = 0;
  let seenCount = 0;
  /** The batch that is being filled: further changes of its participants may join it, but may not be sent beside it. */
  let open: { readonly changes: WaitingChange[]; readonly keys: Set<string> } | undefined;
  const close = () => {
    for (const key of open?.keys ?? []) blocked.add(key);
    open = undefined;
  };
  for (const message of messages) {
    // Nothing more can be taken: this runs after each request, and a thousand messages may follow.
    if (takenCount >= free && !open) break;
    seenCount += 1;
    const keys = orderKeysOf(message);
    const canBeSent = isDue(message, nowMs) && !keys.some((key) => blocked.has(key));
    if (canBeSent && open && isSimple(message)) {
      open.changes.push(...message.changes);
      for (const key of keys) open.keys.add(key);
    } else {
      const isChosen = takenCount < free && (only === undefined || only === message);
      const isTaken = canBeSent && isChosen && !keys.some((key) => open?.keys.has(key));
      const slot: Slot = { message, changes: [...message.changes], isTaken };
      slots.push(slot);
      if (isTaken) takenCount += 1;
      if (isTaken && isSimple(message)) {
        close();
        open = { changes: slot.changes, keys: new Set(keys) };
      } else for (const key of keys) blocked.add(key);
    }
    if (open && open.changes.length >= batch) close();
  }
  const next = slots.map(
    ({ message, changes, isTaken }): Message =>
      isTaken ? { ...message, changes, isSealed: true, isSending: true } : message,
  );
  return { messages: [...next, ...messages.slice(seenCount)], taken: next.filter((_, n) => slots[n]?.isTaken) };
}

/** Never sent, so that it can become part of a batch. */
function isSimple({ isSealed, gap, event }: Message): boolean {
  return !isSealed && gap === undefined && event === undefined;
}
