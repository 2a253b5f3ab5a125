// A backend that receives webhooks: verifies their signatures with an official package, and answers as the test wants.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { closeOnce } from '../leftovers.js';

const MAX_DIFFERENCE_MS = 240_000;

export interface ReceivedWebhook {
  readonly id: string;
  readonly type: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read it like a client
  readonly data: any;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Whether it was answered with 2xx. */
  isTaken: boolean;
}

export class WebhookReceiver {
  readonly all: ReceivedWebhook[] = [];
  /** Answers a request; by default with 204. */
  answer: (webhook: ReceivedWebhook, response: ServerResponse) => void = (webhook, response) => {
    webhook.isTaken = true;
    response.writeHead(204).end();
  };
  /** Verify, if there are any: each request must be signed with all of them. */
  secrets: readonly string[] = [];
  readonly #server = createServer((request, response) => void this.#receive(request, response));
  readonly faults: unknown[] = [];
  #port = 0;
  readonly stop = closeOnce(() => this.goAway());

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    receiver.#port = (receiver.#server.address() as AddressInfo).port;
    return receiver;
  }

  /** As if it were killed. */
  goAway(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** After `goAway`: at the same address. */
  async comeBack(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/presence`;
  }

  get taken(): ReceivedWebhook[] {
    return this.all.filter(({ isTaken }) => isTaken);
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const headers = request.headers as Record<string, string>;
    try {
      for (const secret of this.secrets) verify(secret, body, headers);
    } catch (error) {
      this.faults.push(error);
    }
    const { type, data } = JSON.parse(body);
    const webhook = { id: String(headers['webhook-id']), type, data, headers, isTaken: false };
    this.all.push(webhook);
    this.answer(webhook, response);
  }

  /** What it has taken, in order, without repetitions. */
  takenOnce(): ReceivedWebhook[] {
    const taken = new Map<string, ReceivedWebhook>();
    for (const webhook of this.taken) if (!taken.has(webhook.id)) taken.set(webhook.id, webhook);
    return [...taken.values()];
  }

  /** By participant: the types that it has taken, in order, without repetitions. */
  takenTypes(): Record<string, string[]> {
    const types: Record<string, string[]> = {};
    for (const { type, data } of this.takenOnce()) {
      const { participantId = '' } = data;
      types[participantId] = [...(types[participantId] ?? []), type];
    }
    return types;
  }
}

/** The packages refuse a time that differs from the system's by minutes, as that of a test can. Then what they would sign counts. */
function verify(secret: string, body: string, headers: Record<string, string>): void {
  const webhook = new Webhook(secret);
  const sentAt = new Date(Number(headers['webhook-timestamp']) * 1_000);
  if (Math.abs(Date.now() - sentAt.getTime()) < MAX_DIFFERENCE_MS) return void webhook.verify(body, headers);
  const expected = webhook.sign(String(headers['webhook-id']), sentAt, body);
  if (!String(headers['webhook-signature']).split(' ').includes(expected)) throw new Error('the signature is wrong');
}
