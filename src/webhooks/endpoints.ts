// The endpoints in the store. Every change is made to the endpoint as it was read, so that of two at the same time one fails.
import { createHash, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../runtime/clock.js';
import type { FeedStore } from '../storage/ports.js';
import { FEED_STORE, WEBHOOK_SETTING_STORE } from '../storage/tokens.js';
import type { WebhookSettingStore } from '../storage/webhook-ports.js';
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

  constructor(
    @Inject(WEBHOOK_SETTING_STORE) private readonly store: WebhookSettingStore,
    @Inject(FEED_STORE) private readonly feed: FeedStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** `listener` is called when this process has changed an endpoint. */
  onChanged(listener: () => void): void {
    this.#listeners.add(listener);
  }

  revision(): Promise<number> {
    return this.store.revision();
  }

  /** Sorted by id. */
  async list(): Promise<StoredEndpoint[]> {
    const settings = await this.store.list();
    return settings.filter(({ id }) => isEndpointId(id)).map(({ text }) => ({ endpoint: decodeEndpoint(text), text }));
  }

  async find(id: string): Promise<StoredEndpoint | undefined> {
    const text = isEndpointId(id) ? await this.store.get(id) : null;
    return text === null ? undefined : { endpoint: decodeEndpoint(text), text };
  }

  /** A request that is repeated with its key gets the endpoint that was made the first time. */
  async create({ settings, idempotencyKey }: NewEndpoint): Promise<StoredEndpoint | EndpointFault> {
    const requestHash = hashOf(JSON.stringify(settings));
    const id = endpointId(
      idempotencyKey === undefined ? randomBytes(12).toString('base64url') : hashOf(`key ${idempotencyKey}`),
    );
    const known = idempotencyKey === undefined ? undefined : await this.find(id);
    if (known) return known.endpoint.requestHash === requestHash ? known : 'other-request';
    if ((await this.list()).length >= MAX_ENDPOINTS) return 'too-many';
    const nowMs = this.clock.now();
    const endpoint: Endpoint = {
      id,
      ...settings,
      secrets: [{ text: newSecret() }],
      start: await this.feed.end(),
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
      const stored = await this.find(id);
      const nowMs = this.clock.now();
      const made = { start: await this.feed.end(), createdAtMs: nowMs };
      const endpoint: Endpoint = {
        ...(stored?.endpoint ?? made),
        id,
        ...settings,
        secrets: [{ text: secret }],
        isDeclared: true,
        updatedAtMs: stored?.endpoint.updatedAtMs ?? nowMs,
      };
      if (stored && encodeEndpoint(endpoint) === stored.text) return;
      const replaced = await this.#replace(id, stored?.text ?? null, { ...endpoint, updatedAtMs: nowMs });
      if (replaced !== 'changed') return;
    }
  }

  /** `expected`: as in `change`. */
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

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 24);
}
