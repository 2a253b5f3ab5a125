// Clients that act as the provider: each sends the events of its participants one after the other, and never again.
import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { ModelEvent } from '../model/presence-model.js';
import type { Sent } from './history.js';
import type { Random } from './random.js';

const CLIENTS = 16;
const TIMEOUT_MS = 15_000;
const KINDS = { onConnect: 'connected', onDisconnect: 'disconnected', onLeave: 'left' } as const;

type EventName = keyof typeof KINDS;

export class Traffic {
  readonly history: Sent[] = [];
  readonly #clients: Promise<void>[];
  #isStopped = false;

  /** `url`: where to send the next callback. */
  constructor(
    private readonly url: () => string,
    private readonly random: Random,
  ) {
    this.#clients = Array.from({ length: CLIENTS }, (_, n) => this.#run(n));
  }

  /** Resolves when all callbacks are answered or have failed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#clients);
  }

  async #run(client: number): Promise<void> {
    for (let n = 0; !this.#isStopped; n += 1) {
      const participantId = `client${client}-${n}`;
      // Further apart than the grace period and the allowed skew, so that only the order of the events decides.
      let atMs = Date.now() - 3_600_000 + client;
      for (const name of this.#life()) {
        atMs += 10_000;
        await this.#send(participantId, name, atMs);
        await wait(this.random.below(40));
      }
    }
  }

  #life(): EventName[] {
    const stays = Array.from({ length: this.random.below(3) }, (): EventName[] => ['onConnect', 'onLeave']).flat();
    const last: EventName[][] = [['onConnect'], ['onConnect', 'onLeave'], ['onConnect', 'onDisconnect']];
    return [...stays, ...(last[this.random.below(last.length)] ?? [])];
  }

  async #send(participantId: string, name: EventName, atMs: number): Promise<void> {
    const body = {
      event: name,
      timestamp: String(atMs),
      participantId,
      deviceId: `${participantId}-device`,
      tag: 'chaos',
    };
    const startMs = performance.now();
    const receivedMs = Date.now();
    const status = await post(`${this.url()}/callbacks/bandwidth`, JSON.stringify(body)).catch(() => undefined);
    const event: ModelEvent = { device: 'd', kind: KINDS[name], at: atMs, received: receivedMs, precision: 1 };
    const outcome = status !== undefined && status < 300 ? 'acknowledged' : 'unknown';
    this.history.push({ participantId, event, outcome, status, waitedMs: performance.now() - startMs });
    // A client whose connection is refused would otherwise send thousands.
    if (status === undefined) await wait(50);
  }
}

function post(url: string, body: string): Promise<number> {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers, agent: false, timeout: TIMEOUT_MS }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer')));
    sent.on('error', reject);
    sent.end(body);
  });
}
