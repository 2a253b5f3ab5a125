// The endpoints in the store. Every change is made to the endpoint as it was read, so that of two at the same time one fails.
import { createHash, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Logger } from 'pino';
import { DeduplicatedLog } from '../observability/deduplicated-log.js';
import { LOG } from '../observability/logging.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import type { FeedStore } from '../storage/ports.js';
import { FEED_STORE, OCCUPANCY_EVENT_STORE, WEBHOOK_SETTING_STORE } from '../storage/tokens.js';
import type { OccupancyEventStore, WebhookSettingStore } from '../storage/webhook-ports.js';
import {
  decodeEndpoint,
  type Endpoint,
  type EndpointId,
  type EndpointSettings,
  encodeEndpoint,
  endpointId,
  isEndpointId,
} from './endpoint.js';
import { newSecret } from './sending/signature.js';

export const MAX_ENDPOINTS = 1_000;
/** Besides the newest one. */
const MAX_OLD_SECRETS = 3;

/** `text`: as it is stored, from which its ETag is made. */
export interface StoredEndpoint {
  readonly endpoint: Endpoint;
  readonly text: string;
}

/** All that is stored about endpoints. One that cannot be decoded is left out, so that it does not stop the others. */
export interface EndpointList {
  readonly endpoints: readonly StoredEndpoint[];
  readonly undecodable: readonly EndpointId[];
}

/** A reason not to make or change an endpoint. */
export type EndpointFault = 'too-many' | 'other-request' | 'changed' | 'unknown';

export interface NewEndpoint {
  readonly settings: EndpointSettings;
  /** The id, or a key from which it is derived; undefined: a random id. */
  readonly idempotencyKey?: string | undefined;
}

@Injectable()
export class Endpoints {
  readonly #listeners = new Set<() => void>();
  readonly #undecodable: DeduplicatedLog;

  constructor(
    @Inject(WEBHOOK_SETTING_STORE) private readonly store: WebhookSettingStore,
    @Inject(FEED_STORE) private readonly feed: FeedStore,
    @Inject(OCCUPANCY_EVENT_STORE) private readonly events: OccupancyEventStore,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) log: Logger,
  ) {
    this.#undecodable = new DeduplicatedLog(
      log,
      'an endpoint of webhooks cannot be decoded: nothing is sent to it until it is deleted and created again',
    );
  }

  /** `listener` is called when this process has changed an endpoint. */
  onChanged(listener: () => void): void {
    this.#listeners.add(listener);
  }

  revision(): Promise<number> {
    return this.store.revision();
  }

  /** Sorted by id. */
  async list(): Promise<EndpointList> {
    const endpoints: StoredEndpoint[] = [];
    const undecodable: EndpointId[] = [];
    for (const { id, text } of await this.store.list()) {
      if (!isEndpointId(id)) continue;
      const endpoint = this.#decode(id, text);
      if (endpoint) endpoints.push({ endpoint, text });
      else undecodable.push(id);
    }
    return { endpoints, undecodable };
  }

  /** undefined: there is none, or it cannot be decoded. */
  async find(id: string): Promise<StoredEndpoint | undefined> {
    const text = isEndpointId(id) ? await this.store.get(id) : null;
    const endpoint = text === null ? undefined : this.#decode(id, text);
    return text === null || !endpoint ? undefined : { endpoint, text };
  }

  /** A request that is repeated with its key gets the endpoint that was made the first time. */
  async create({ settings, idempotencyKey }: NewEndpoint): Promise<StoredEndpoint | EndpointFault> {
    const requestHash = hashOf(JSON.stringify(settings));
    const id = endpointId(
      idempotencyKey === undefined ? randomBytes(12).toString('base64url') : hashOf(`key ${idempotencyKey}`),
    );
    const text = idempotencyKey === undefined ? null : await this.store.get(id);
    if (text !== null) {
      const known = this.#decode(id, text);
      return known?.requestHash === requestHash ? { endpoint: known, text } : 'other-request';
    }
    const { endpoints, undecodable } = await this.list();
    if (endpoints.length + undecodable.length >= MAX_ENDPOINTS) return 'too-many';
    const nowMs = this.clock.now();
    const endpoint: Endpoint = {
      id,
      ...settings,
      secrets: [{ text: newSecret() }],
      ...(await this.#startNow()),
      isDeclared: false,
      ...(idempotencyKey !== undefined && { requestHash }),
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    };
    const made = await this.#replace(id, null, endpoint);
    // The same request came twice at the same time.
    return made === 'changed' ? this.create({ settings, idempotencyKey }) : made;
  }

  /** `expected`: the text that must not have changed; undefined: any. */
  async change(
    id: EndpointId,
    change: (endpoint: Endpoint) => Endpoint,
    expected?: string,
  ): Promise<StoredEndpoint | EndpointFault> {
    for (;;) {
      const stored = await this.find(id);
      if (!stored) return 'unknown';
      if (expected !== undefined && stored.text !== expected) return 'changed';
      const endpoint = { ...change(stored.endpoint), updatedAtMs: this.clock.now() };
      const replaced = await this.#replace(id, stored.text, endpoint);
      if (replaced !== 'changed' || expected !== undefined) return replaced;
    }
  }

  /** Makes an endpoint with a known id and secrets, or replaces its settings. */
  async declare(id: EndpointId, settings: EndpointSettings, secret: string): Promise<void> {
    for (;;) {
      const text = await this.store.get(id);
      const stored = text === null ? undefined : this.#decode(id, text);
      const nowMs = this.clock.now();
      const made = { ...(await this.#startNow()), createdAtMs: nowMs };
      const endpoint: Endpoint = {
        ...(stored ?? made),
        id,
        ...settings,
        secrets: [{ text: secret }],
        isDeclared: true,
        updatedAtMs: stored?.updatedAtMs ?? nowMs,
      };
      if (encodeEndpoint(endpoint) === text) return;
      const replaced = await this.#replace(id, text, { ...endpoint, updatedAtMs: nowMs });
      if (replaced !== 'changed') return;
    }
  }

  /** Also one that cannot be decoded. `expected`: as in `change`. */
  async remove(id: EndpointId, expected?: string): Promise<'done' | EndpointFault> {
    for (;;) {
      const text = await this.store.get(id);
      if (text === null) return 'unknown';
      if (expected !== undefined && text !== expected) return 'changed';
      if (await this.store.replace(id, text, null)) {
        this.#notify();
        return 'done';
      }
      if (expected !== undefined) return 'changed';
    }
  }

  /** The previous secret signs until `previousUntilMs`, together with the new one. */
  async rotateSecret(id: EndpointId, previousUntilMs: number): Promise<StoredEndpoint | EndpointFault> {
    return this.change(id, (endpoint) => {
      const nowMs = this.clock.now();
      const old = endpoint.secrets
        .map(({ text, untilMs = previousUntilMs }) => ({ text, untilMs: Math.min(untilMs, previousUntilMs) }))
        .filter(({ untilMs }) => untilMs > nowMs)
        .slice(0, MAX_OLD_SECRETS);
      return { ...endpoint, secrets: [{ text: newSecret() }, ...old] };
    });
  }

  async #replace(id: EndpointId, before: string | null, endpoint: Endpoint): Promise<StoredEndpoint | 'changed'> {
    const text = encodeEndpoint(endpoint);
    if (!(await this.store.replace(id, before, text))) return 'changed';
    this.#notify();
    return { endpoint, text };
  }

  #decode(id: string, text: string): Endpoint | undefined {
    try {
      return decodeEndpoint(text);
    } catch (error) {
      // Those that differ are logged again. The reason of JSON.parse would quote the text, which has secrets.
      const reason = error instanceof SyntaxError ? 'it is not valid JSON' : (error as Error).message;
      this.#undecodable.error(`${id} ${hashOf(text)}`, { endpoint: id, reason });
      return undefined;
    }
  }

  async #startNow(): Promise<Pick<Endpoint, 'start' | 'eventStart'>> {
    return { start: await this.feed.end(), eventStart: await this.events.newestNumber() };
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 24);
}
