// The endpoints of BRTC, in memory.
// Sources: https://dev.bandwidth.com/docs/brtc/endpoints, and bandwidth.yml in the npm package bandwidth-sdk 8.1.4.
import { randomUUID } from 'node:crypto';
import { ApiError } from '../api/api-error.js';
import type { CallbackHosts } from '../webhooks/callback-hosts.js';

export const DIRECTIONS = ['INBOUND', 'OUTBOUND', 'BIDIRECTIONAL'] as const;

export interface EndpointSettings {
  readonly direction: (typeof DIRECTIONS)[number];
  readonly eventCallbackUrl?: string;
  readonly eventFallbackUrl?: string;
  readonly tag?: string;
}

export interface Endpoint extends EndpointSettings {
  readonly accountId: string;
  readonly id: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  /** Its place in lists. */
  readonly number: number;
}

export interface PageRequest {
  readonly isListed: (endpoint: Endpoint) => boolean;
  /** The number of the last endpoint of the page before. */
  readonly after: number;
  readonly limit: number;
}

export interface EndpointPage {
  readonly items: readonly Endpoint[];
  /** Of all pages. */
  readonly total: number;
  /** For the next page; undefined: this is the last one. */
  readonly after: number | undefined;
}

/** Endpoints of other accounts are not found. Throws ApiError. */
export class Endpoints {
  readonly #endpoints = new Map<string, Endpoint>();
  #count = 0;

  constructor(
    private readonly callbackHosts: CallbackHosts,
    private readonly lifetimeMs: number,
  ) {}

  get all(): Iterable<Endpoint> {
    return this.#endpoints.values();
  }

  create(accountId: string, settings: EndpointSettings): Endpoint {
    this.#checkHost('eventCallbackUrl', settings.eventCallbackUrl);
    this.#checkHost('eventFallbackUrl', settings.eventFallbackUrl);
    const createdAtMs = Date.now();
    this.#count += 1;
    const times = { createdAtMs, expiresAtMs: createdAtMs + this.lifetimeMs };
    const endpoint = { ...settings, accountId, id: `e-${randomUUID()}`, ...times, number: this.#count };
    this.#endpoints.set(endpoint.id, endpoint);
    return endpoint;
  }

  /** In any account. */
  find(id: string): Endpoint | undefined {
    return this.#endpoints.get(id);
  }

  get(accountId: string, id: string): Endpoint {
    const endpoint = this.#endpoints.get(id);
    if (endpoint?.accountId !== accountId) throw new ApiError(404, 'The requested resource was not found.');
    return endpoint;
  }

  /** In the order of their creation. */
  list(accountId: string, { isListed, after, limit }: PageRequest): EndpointPage {
    const listed = [...this.all].filter((endpoint) => endpoint.accountId === accountId && isListed(endpoint));
    const left = listed.filter(({ number }) => number > after);
    const items = left.slice(0, limit);
    return { items, total: listed.length, after: left.length > limit ? items.at(-1)?.number : undefined };
  }

  delete(id: string): void {
    this.#endpoints.delete(id);
  }

  #checkHost(name: string, url: string | undefined): void {
    const refusal = url === undefined ? undefined : this.callbackHosts.refusalOf(url, name);
    if (refusal !== undefined) throw new ApiError(400, refusal);
  }
}
