// Requests that an operator asks for. They are sent at once by the process that is asked, beside the deliveries, and once.
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { newTimedId, type TimedId } from '../../storage/timed-id.js';
import { DELIVERY_STORE } from '../../storage/tokens.js';
import type { DeliveryStore } from '../../storage/webhook-ports.js';
import type { Endpoint } from '../endpoint.js';
import { Endpoints } from '../endpoints.js';
import { Sender } from '../sending/sender.js';
import { DeliveryMetrics } from './delivery-metrics.js';
import {
  type Attempt,
  type AttemptResult,
  type DeadLetter,
  decodeRecord,
  encodeRecord,
  MAX_ATTEMPTS,
} from './delivery-records.js';
import { headersOf, type Outgoing, outgoing } from './outgoing.js';
import { verdictOf } from './retry.js';

export interface ManualResult extends AttemptResult {
  readonly messageId: string;
  readonly isDelivered: boolean;
  readonly durationMs: number;
}

@Injectable()
export class ManualSends {
  readonly #stopping = new AbortController();

  constructor(
    private readonly sender: Sender,
    private readonly endpoints: Endpoints,
    private readonly metrics: DeliveryMetrics,
    @Inject(DELIVERY_STORE) private readonly store: DeliveryStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    // As many as are asked for at the same time.
    setMaxListeners(0, this.#stopping.signal);
  }

  /** Sends a `webhook.test`. */
  test(endpoint: Endpoint): Promise<ManualResult> {
    const id = `msg_${randomBytes(18).toString('base64url')}`;
    const data = { endpoint: endpoint.id, message: 'This is a test. No participant has changed.' };
    return this.#send(endpoint, outgoing(id, 'webhook.test', this.clock.now(), data), 0);
  }

  /** Sends a dead letter as it was, and removes it if it is taken. undefined: there is no such dead letter. */
  async retry(endpoint: Endpoint, id: TimedId): Promise<ManualResult | undefined> {
    const text = await this.store.record('dead-letters', endpoint.id, id);
    if (text === null) return undefined;
    const { messageId, type, body, changes } = decodeRecord<DeadLetter>(text);
    const result = await this.#send(endpoint, { id: messageId, type, body }, changes);
    if (result.isDelivered) await this.store.remove('dead-letters', endpoint.id, id);
    return result;
  }

  /** Ends the requests in progress. */
  stop(): void {
    this.#stopping.abort();
  }

  async #send(endpoint: Endpoint, message: Outgoing, changes: number): Promise<ManualResult> {
    const startMs = this.clock.now();
    const headers = headersOf(endpoint, message, startMs);
    const { signal } = this.#stopping;
    const result = await this.sender.send({ url: endpoint.url, headers, body: message.body, signal });
    const isDelivered = verdictOf(result).outcome === 'delivered';
    const outcome = 'error' in result ? { error: result.error } : { status: result.status, answer: result.body };
    const durationMs = this.clock.now() - startMs;
    const { id: messageId, type } = message;
    await this.#note(endpoint, { messageId, type, changes, atMs: startMs, durationMs, isManual: true, ...outcome });
    return { messageId, isDelivered, durationMs, ...outcome };
  }

  async #note({ id }: Endpoint, attempt: Attempt): Promise<void> {
    this.metrics.attempted(attempt);
    // One that was deleted meanwhile must leave nothing.
    if (!(await this.endpoints.find(id))) return;
    const record = { id: newTimedId(this.clock.now()), text: encodeRecord(attempt) };
    await this.store.addAttempt(id, record, MAX_ATTEMPTS);
  }
}
