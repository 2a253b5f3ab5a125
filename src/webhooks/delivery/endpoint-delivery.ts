// Delivers to one endpoint: sends what its queue chooses, and keeps what has to be stored about it.
import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import type { FeedPosition } from '../../storage/feed-position.js';
import { committedAtMs } from '../../storage/feed-position.js';
import type { DeliveryUpdate } from '../../storage/webhook-ports.js';
import { changeFilterOf, type DisableReason, type Endpoint, encodeEndpoint } from '../endpoint.js';
import type { Sender } from '../sending/sender.js';
import { DeliveryQueue, MAX_SENDING } from './delivery-queue.js';
import type { AttemptResult } from './delivery-records.js';
import { type DeliveryState, encodeState } from './delivery-state.js';
import { EventConsumer, type EventParts } from './event-consumer.js';
import { FeedConsumer, type FeedParts } from './feed-consumer.js';
import type { Message } from './message.js';
import { type FormatChange, headersOf, outgoingOf } from './outgoing.js';
import { PendingRecords } from './pending-records.js';
import { restoreQueue } from './restore-queue.js';
import { verdictOf } from './retry.js';

/** How often the cursor is stored if it has only moved past changes that are not wanted. */
const CURSOR_SAVE_MS = 10_000;
/** What cannot be stored before it is sent is tried again after this time. */
const SAVE_RETRY_MS = 1_000;
/** Requests in progress may end by themselves for this long when delivering stops. */
const DRAIN_MS = 2_000;

export interface EndpointDeliveryParts extends FeedParts, EventParts {
  readonly sender: Sender;
  readonly formatChange: FormatChange;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Stores what `update` returns. Resolves with false if it must not send any more. */
  readonly save: () => Promise<boolean>;
  readonly disable: (reason: DisableReason) => Promise<void>;
}

export class EndpointDelivery {
  #endpoint: Endpoint;
  #queue: DeliveryQueue;
  /** The stored state, until its unsettled changes are read from the feed again. The queue lacks them, so it must not be stored yet. */
  #unrestored: DeliveryState | undefined;
  #consumer: FeedConsumer | undefined;
  #eventConsumer: EventConsumer | undefined;
  #lastError: string | undefined;
  readonly #records = new PendingRecords();
  #isChanged = true;
  #savedAtMs = 0;
  #savedCursor: FeedPosition = [];
  #isSavedAsLive = false;
  #savedEventCursor = 0;
  #isHalted = false;
  #hasGivenUp = false;
  #cancelTimer = () => {};
  readonly #sending = new Set<Promise<void>>();
  readonly #interruption = new AbortController();
  readonly #log: Logger;
  #started: Promise<void> = Promise.resolve();

  /** `state`: undefined if nothing was delivered yet. */
  constructor(
    endpoint: Endpoint,
    private readonly state: DeliveryState | undefined,
    private readonly parts: EndpointDeliveryParts,
  ) {
    this.#endpoint = endpoint;
    const { cursor = endpoint.start, eventCursor = endpoint.eventStart, health } = state ?? {};
    this.#queue = new DeliveryQueue(cursor, [], health, eventCursor);
    this.#unrestored = state && state.messages.length > 0 ? state : undefined;
    this.#lastError = state?.lastError;
    setMaxListeners(MAX_SENDING, this.#interruption.signal);
    this.#log = parts.log.child({ endpoint: endpoint.id });
  }

  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  /** The last replay that was begun. */
  get replayId(): string | undefined {
    return this.state?.replayId;
  }

  get queue(): DeliveryQueue {
    return this.#queue;
  }

  /** Since when the feed is needed, by the clock of the store; undefined: nothing in it is needed. */
  get neededSinceMs(): number | undefined {
    const isDone = this.#queue.messages.length === 0 && this.#consumer?.isLive;
    const { position } = this.#unrestored ?? this.#queue;
    return isDone ? undefined : Math.max(...position.map(committedAtMs));
  }

  /** Since when the endpoint has not been told everything, at the earliest; undefined: it has. */
  get behindSinceMs(): number | undefined {
    const unreadSinceMs = this.#consumer?.isLive ? undefined : Math.max(...this.#queue.cursor.map(committedAtMs));
    return (this.#unrestored ?? this.#queue).oldestAtMs ?? unreadSinceMs;
  }

  start(): void {
    this.#started = this.#start();
  }

  /**
   * Applies new settings from the next request on, and new filters to what is read next. Resolves with false if this delivery has given
   * the endpoint up, so that one that was enabled again needs a new delivery.
   */
  async change(endpoint: Endpoint): Promise<boolean> {
    if (encodeEndpoint(endpoint) === encodeEndpoint(this.#endpoint)) return true;
    if (this.#hasGivenUp) return false;
    const isSameFilter = JSON.stringify(endpoint.filter) === JSON.stringify(this.#endpoint.filter);
    this.#endpoint = endpoint;
    await this.#started;
    if (this.#isHalted) return true;
    if (!isSameFilter) {
      await this.#stopConsumers();
      this.#follow();
    }
    this.#retryNow();
    return true;
  }

  /** Resolves when nothing is in progress any more. What has not ended by then is interrupted, and sent again. */
  async stop(drainMs = DRAIN_MS): Promise<void> {
    this.#isHalted = true;
    this.#cancelTimer();
    await this.#started;
    await this.#stopConsumers();
    const cancel = this.parts.clock.after(drainMs, () => this.#interruption.abort());
    await Promise.all(this.#sending);
    cancel();
  }

  /** Ends requests in progress: another process may send them by now. */
  interrupt(): void {
    this.#isHalted = true;
    this.#interruption.abort();
  }

  /** What is to be stored; undefined: nothing has changed, or what is stored is not read again yet. */
  update(nowMs: number): DeliveryUpdate | undefined {
    if (this.#unrestored) return undefined;
    this.#consumer?.updateCursor();
    const { cursor, eventCursor } = this.#queue;
    const isMoved = cursor !== this.#savedCursor || eventCursor !== this.#savedEventCursor;
    const isLive = this.#consumer?.isLive ?? false;
    const mustSave = this.#isChanged || isLive !== this.#isSavedAsLive;
    if (!mustSave && !(isMoved && nowMs - this.#savedAtMs >= CURSOR_SAVE_MS)) return undefined;
    this.#isChanged = false;
    this.#isSavedAsLive = isLive;
    this.#savedAtMs = nowMs;
    this.#savedCursor = cursor;
    this.#savedEventCursor = eventCursor;
    const facts = {
      queue: this.#queue,
      replayId: this.replayId,
      lastError: this.#lastError,
      settingsAtMs: this.#endpoint.updatedAtMs,
      isLive,
    };
    return { endpointId: this.#endpoint.id, state: encodeState(facts), records: this.#records.take() };
  }

  /** The update could not be stored. */
  notSaved({ records }: DeliveryUpdate): void {
    this.#records.putBack(records);
    this.#isChanged = true;
  }

  async #start(): Promise<void> {
    if (this.#unrestored) {
      const restored = await restoreQueue(this.#unrestored, { ...this.parts, log: this.#log }, () => this.#isHalted);
      if (!restored) return;
      this.#queue = restored;
      this.#unrestored = undefined;
    }
    if (this.#isHalted) return;
    this.#follow();
    const { settingsAtMs = this.#endpoint.updatedAtMs } = this.state ?? {};
    if (settingsAtMs !== this.#endpoint.updatedAtMs) this.#retryNow();
    else this.#pump();
  }

  /** After a change of the endpoint: whoever made it expects an attempt now. */
  #retryNow(): void {
    this.#queue.retryNow();
    this.#isChanged = true;
    this.#pump();
  }

  #follow(): void {
    const { filter } = this.#endpoint;
    this.#consumer = new FeedConsumer(this.#queue, this.parts, changeFilterOf(filter), () => this.#pump());
    this.#eventConsumer = new EventConsumer(this.#queue, this.parts, filter, () => this.#pump());
    this.#consumer.start();
    this.#eventConsumer.start();
  }

  async #stopConsumers(): Promise<void> {
    await Promise.all([this.#consumer?.stop(), this.#eventConsumer?.stop()]);
  }

  /** Sends what can be sent now. */
  #pump(): void {
    if (this.#isHalted) return;
    const nowMs = this.parts.clock.now();
    for (const message of this.#queue.takeDeadLetters(nowMs)) this.#addDeadLetter(message, nowMs);
    const taken = this.#queue.take(nowMs, this.#endpoint.batch);
    if (taken.length > 0) this.#track(this.#sendAll(taken));
    this.#cancelTimer();
    const nextMs = this.#queue.nextAtMs(nowMs);
    if (nextMs !== undefined) this.#pumpAfter(nextMs - nowMs);
  }

  #pumpAfter(delayMs: number): void {
    this.#cancelTimer();
    this.#cancelTimer = this.parts.clock.after(delayMs, () => this.#pump());
  }

  async #sendAll(messages: readonly Message[]): Promise<void> {
    // What a batch contains must be known to whoever sends it again, since it has one id.
    if (this.#endpoint.batch > 1 && !(await this.#saveBeforeSending())) {
      for (const message of messages) this.#queue.released(message);
      if (!this.#isHalted) this.#pumpAfter(SAVE_RETRY_MS);
      return;
    }
    await Promise.all(messages.map((message) => this.#send(message)));
  }

  async #saveBeforeSending(): Promise<boolean> {
    this.#isChanged = true;
    return this.parts.save();
  }

  async #send(message: Message): Promise<void> {
    const { clock, sender, formatChange } = this.parts;
    const endpoint = this.#endpoint;
    const request = outgoingOf(message, endpoint.batch > 1, formatChange);
    const startMs = clock.now();
    const { signal } = this.#interruption;
    const headers = headersOf(endpoint, request, startMs);
    const result = await sender.send({ url: endpoint.url, headers, body: request.body, signal });
    // Whether it was taken is not known.
    if (signal.aborted && 'error' in result) return this.#queue.released(message);
    const endMs = clock.now();
    const outcome: AttemptResult =
      'error' in result ? { error: result.error } : { status: result.status, answer: result.body };
    this.parts.metrics.attempted(this.#records.addAttempt({ message, request, startMs, endMs, outcome }));
    this.#isChanged = true;
    const verdict = verdictOf(result);
    if (verdict.outcome === 'delivered') {
      this.#records.forgetResult(request.id);
      this.#queue.delivered(message, endMs);
      this.#lastError = undefined;
    } else {
      this.#records.keepResult(request.id, outcome);
      this.#lastError = outcome.error ?? `status ${outcome.status}`;
      const pauseMs = verdict.outcome === 'gone' ? 0 : verdict.pauseMs;
      const isRejected = verdict.outcome === 'rejected';
      this.#queue.failed(message, endMs, { pauseMs, random: this.parts.random(), isRejected });
      if (verdict.outcome === 'gone') return this.#giveUp('gone');
      if (this.#queue.isGivenUp(endMs)) return this.#giveUp('failing');
    }
    this.#consumer?.queueChanged();
    this.#eventConsumer?.queueChanged();
    this.#pump();
  }

  #addDeadLetter(message: Message, nowMs: number): void {
    const request = outgoingOf(message, this.#endpoint.batch > 1, this.parts.formatChange);
    this.#records.addDeadLetter(message, request, nowMs);
    this.#isChanged = true;
    this.parts.metrics.deadLetterAdded(this.#endpoint.id);
    const { failures } = message;
    this.#log.warn(
      { message: request.id, failures },
      'a webhook becomes a dead letter, because its endpoint keeps refusing it',
    );
  }

  async #giveUp(reason: DisableReason): Promise<void> {
    if (this.#isHalted) return;
    this.#isHalted = true;
    this.#hasGivenUp = true;
    this.#cancelTimer();
    this.#log.warn({ reason }, 'an endpoint of webhooks is disabled');
    await this.parts.disable(reason);
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#log.error({ err: error }, 'a webhook cannot be sent'))
      .finally(() => this.#sending.delete(tracked));
    this.#sending.add(tracked);
  }
}
