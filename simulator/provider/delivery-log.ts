// The newest webhooks and what became of them, for people to look at.
import type { Answer } from '../webhooks/callback-client.js';
import type { SignallingEvent } from '../webhooks/signalling-event.js';

export interface LoggedWebhook {
  readonly id: number;
  readonly event: SignallingEvent;
  /** How often it is sent; 0: chance lost it. */
  readonly copies: number;
  readonly answers: Answer[];
}

const KEPT = 200;

export class DeliveryLog {
  readonly #webhooks: LoggedWebhook[] = [];
  #count = 0;

  /** Newest first. */
  get newest(): readonly LoggedWebhook[] {
    return this.#webhooks.toReversed();
  }

  add(event: SignallingEvent, copies: number): LoggedWebhook {
    this.#count += 1;
    const webhook = { id: this.#count, event, copies, answers: [] };
    this.#webhooks.push(webhook);
    if (this.#webhooks.length > KEPT) this.#webhooks.shift();
    return webhook;
  }
}
