// The newest webhooks and the responses to them, for the control page.
import type { CallbackResponse } from '../webhooks/callback-client.js';
import type { SignallingEvent } from '../webhooks/signalling-event.js';

export interface LoggedWebhook {
  readonly id: number;
  /** The name of the event in the webhook. */
  readonly name: string;
  readonly event: SignallingEvent;
  /** How many times it is sent; 0 if it was lost. */
  readonly copies: number;
  readonly answers: CallbackResponse[];
}

const MAX_KEPT = 200;

export class DeliveryLog {
  readonly #webhooks: LoggedWebhook[] = [];
  #count = 0;

  /** Newest first. */
  get newest(): readonly LoggedWebhook[] {
    return this.#webhooks.toReversed();
  }

  add(name: string, event: SignallingEvent, copies: number): LoggedWebhook {
    this.#count += 1;
    const webhook = { id: this.#count, name, event, copies, answers: [] };
    this.#webhooks.push(webhook);
    if (this.#webhooks.length > MAX_KEPT) this.#webhooks.shift();
    return webhook;
  }
}
