// Requests that an operator asks for. They are sent at once by the process that is asked, beside the deliveries, and once.
import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import type { TimedId } from '../../storage/timed-id.js';
import { DELIVERY_STORE } from '../../storage/tokens.js';
import type { DeliveryStore } from '../../storage/webhook-ports.js';
import type { Endpoint } from '../endpoint.js';
import { Sender } from '../sending/sender.js';
import { type AttemptResult, type DeadLetter, decodeRecord } from './delivery-records.js';
import { headersOf, outgoing } from './outgoing.js';
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
    @Inject(DELIVERY_STORE) private readonly store: DeliveryStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Sends a `webhook.test`. */
  test(endpoint: Endpoint): Promise<ManualResult> {
    const id = `msg_${randomBytes(18).toString('base64url')}`;
    const data = { endpoint: endpoint.id, message: 'This is a test. No participant has changed.' };
    return this.#send(endpoint, outgoing(id, 'webhook.test', this.clock.now(), data));
  }

  /** Sends a dead letter as it was, and removes it if it is taken. undefined: there is no such dead letter. */
  async retry(endpoint: Endpoint, id: TimedId): Promise<ManualResult | undefined> {
    const text = await this.store.record('dead-letters', endpoint.id, id);
    if (text === null) return undefined;
    const { messageId, body } = decodeRecord<DeadLetter>(text);
    const result = await this.#send(endpoint, { id: messageId, body });
    if (result.isDelivered) await this.store.remove('dead-letters', endpoint.id, id);
    return result;
  }

  /** Ends the requests in progress. */
  stop(): void {
    this.#stopping.abort();
  }

  async #send(endpoint: Endpoint, message: { readonly id: string; readonly body: string }): Promise<ManualResult> {
    const startMs = this.clock.now();
    const headers = headersOf(endpoint, message, startMs);
    const { signal } = this.#stopping;
    const result = await this.sender.send({ url: endpoint.url, headers, body: message.body, signal });
    const isDelivered = verdictOf(result).outcome === 'delivered';
    const outcome = 'error' in result ? { error: result.error } : { status: result.status, answer: result.body };
    return { messageId: message.id, isDelivered, durationMs: this.clock.now() - startMs, ...outcome };
  }
}
