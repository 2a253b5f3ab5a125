// The provider's HTTP client: sends one webhook to one callback URL, with the configured number of attempts.
// A URL may contain Basic credentials. Like Bandwidth, the client sends them only in response to a 401 with a challenge
// (RFC 7235).
import { setMaxListeners } from 'node:events';
import { Agent, request } from 'undici';
import { type Clock, sleep, systemClock } from '../clock.js';
import type { CallbackHosts } from './callback-hosts.js';

/** Bandwidth does not document its retries, so everything can be configured. */
export interface RetryPolicy {
  readonly attempts: number;
  /** The delay before the second attempt; doubled for each further one, up to MAX_BACKOFF_MS. */
  readonly backoffMs: number;
  /** Of a whole attempt, including the second request with credentials. */
  readonly timeoutMs: number;
}

const MAX_BACKOFF_MS = 600_000;

export interface CallbackClientSettings {
  readonly retry: RetryPolicy;
  readonly connections: number;
  readonly hosts: CallbackHosts;
}

export interface CallbackResponse {
  /** HTTP status, or why there is none: 'timeout', 'host not allowed', or an error code such as 'ECONNREFUSED'. */
  readonly status: number | string;
  readonly attempts: number;
  /** Of the last attempt. */
  readonly elapsedMs: number;
}

const NOT_ALLOWED: CallbackResponse = { status: 'host not allowed', attempts: 0, elapsedMs: 0 };

export function isAccepted({ status }: CallbackResponse): boolean {
  return typeof status === 'number' && status >= 200 && status < 300;
}

/** The maximum time from the first attempt of a webhook to the end of its last, in milliseconds. */
export function maxSendMs(policy: RetryPolicy): number {
  const backoffsMs = Array.from({ length: policy.attempts - 1 }, (_, index) => backoffMs(policy, index + 1));
  return backoffsMs.reduce((sum, ms) => sum + ms, policy.attempts * policy.timeoutMs);
}

/** The delay after failed attempt number `attempt`, counted from 1. */
function backoffMs(policy: RetryPolicy, attempt: number): number {
  return Math.min(policy.backoffMs * 2 ** (attempt - 1), MAX_BACKOFF_MS);
}

export class CallbackClient {
  readonly hosts: CallbackHosts;
  readonly #policy: RetryPolicy;
  readonly #agent: Agent;
  readonly #givingUp = new AbortController();

  constructor(
    { retry, connections, hosts }: CallbackClientSettings,
    private readonly clock: Clock = systemClock,
  ) {
    this.hosts = hosts;
    this.#policy = retry;
    // Each webhook that waits for its next attempt adds a listener.
    setMaxListeners(0, this.#givingUp.signal);
    // undici's own timeouts are inexact and cover only parts of an attempt; each attempt has its own timeout instead.
    const { timeoutMs } = retry;
    this.#agent = new Agent({ connections, headersTimeout: 0, bodyTimeout: 0, connect: { timeout: timeoutMs } });
  }

  /** Never rejects, and does not follow redirects. `callbackUrl`: http or https, with or without credentials. */
  async send(callbackUrl: string, body: string): Promise<CallbackResponse> {
    if (this.hosts.refusalOf(callbackUrl) !== undefined) return NOT_ALLOWED;
    const { signal } = this.#givingUp;
    for (let attempt = 1; ; attempt += 1) {
      const startMs = performance.now();
      const status = await this.#attempt(callbackUrl, body);
      const response = { status, attempts: attempt, elapsedMs: performance.now() - startMs };
      if (isAccepted(response) || attempt >= this.#policy.attempts) return response;
      await sleep(this.clock, backoffMs(this.#policy, attempt), signal);
      if (signal.aborted) return response;
    }
  }

  /** Sends to each URL in turn until one accepts. `attempts` of the response are those of all of them. Never rejects. */
  async sendToFirst([first, ...others]: readonly [string, ...string[]], body: string): Promise<CallbackResponse> {
    let response = await this.send(first, body);
    for (const url of others) {
      if (isAccepted(response) || this.#givingUp.signal.aborted) break;
      const { attempts } = response;
      response = await this.send(url, body);
      response = { ...response, attempts: attempts + response.attempts };
    }
    return response;
  }

  /** Makes no further attempts; those in flight are still answered. */
  giveUp(): void {
    this.#givingUp.abort();
  }

  close(): Promise<void> {
    this.giveUp();
    return this.#agent.destroy();
  }

  async #attempt(callbackUrl: string, body: string): Promise<number | string> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), this.#policy.timeoutMs);
    try {
      const url = new URL(callbackUrl);
      const credentials = takeCredentials(url);
      const first = await this.#post(url, body, {}, timeout.signal);
      const isChallenged = first.status === 401 && /^basic\b/i.test(first.challenge);
      if (!isChallenged || credentials === undefined) return first.status;
      return (await this.#post(url, body, { authorization: `Basic ${credentials}` }, timeout.signal)).status;
    } catch (error) {
      if (timeout.signal.aborted) return 'timeout';
      return (error as { code?: string }).code ?? (error as Error).name;
    } finally {
      clearTimeout(timer);
    }
  }

  async #post(url: URL, body: string, headers: Record<string, string>, signal: AbortSignal) {
    const response = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      dispatcher: this.#agent,
      signal,
    });
    // Discards the body so that the connection can be reused.
    await response.body.dump();
    return { status: response.statusCode, challenge: String(response.headers['www-authenticate'] ?? '') };
  }
}

function takeCredentials(url: URL): string | undefined {
  const { username, password } = url;
  if (username === '' && password === '') return undefined;
  url.username = '';
  url.password = '';
  return Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
}
