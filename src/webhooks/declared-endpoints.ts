// Endpoints that the configuration declares (WEBHOOK_ENDPOINTS), for those who keep it in a repository. They are made, changed and
// removed when a process starts.
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOG } from '../observability/logging.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { delay } from '../runtime/delay.js';
import { StoreUnavailableError } from '../storage/ports.js';
import { type EndpointSettings, endpointId } from './endpoint.js';
import { Endpoints } from './endpoints.js';

export const DECLARED_ENDPOINTS = Symbol('DeclaredEndpoints');

export interface DeclaredEndpoint {
  /** Part of its id. */
  readonly name: string;
  readonly secret: string;
  readonly settings: EndpointSettings;
}

const RETRY_MS = 1_000;

@Injectable()
export class DeclaredEndpoints {
  readonly #stopping = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor(
    @Inject(DECLARED_ENDPOINTS) private readonly declared: readonly DeclaredEndpoint[],
    private readonly endpoints: Endpoints,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {}

  /** Does not wait for a store that is unavailable. */
  start(): void {
    this.#ended = this.#apply();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#ended;
  }

  async #apply(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#declareAll();
        return;
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) {
          this.log.error({ err: error }, 'the endpoints of WEBHOOK_ENDPOINTS cannot be stored');
          return;
        }
        await delay(this.clock, RETRY_MS, signal);
      }
    }
  }

  async #declareAll(): Promise<void> {
    const ids = new Set<string>();
    for (const { name, settings, secret } of this.declared) {
      const id = endpointId(name);
      ids.add(id);
      await this.endpoints.declare(id, settings, secret);
    }
    for (const { value: endpoint } of (await this.endpoints.list()).items) {
      if (endpoint.isDeclared && !ids.has(endpoint.id)) await this.endpoints.remove(endpoint.id);
    }
  }
}
