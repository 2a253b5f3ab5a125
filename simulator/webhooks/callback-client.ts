// The provider as an HTTP client: one webhook to one callback URL, as often as it takes or is allowed.
// A URL may have Basic credentials; like Bandwidth, it shows them only when it is asked to by a 401 with a
// challenge (RFC 7235), and a receiver that asks without a challenge gets nothing more.
import { setMaxListeners } from 'node:events';
import { Agent, request } from 'undici';
import { type Clock, sleep, systemClock } from '../clock.js';
import type { CallbackHosts } from './callback-hosts.js';

/** What Bandwidth does when a webhook fails is not documented, so each of it can be set. */
export interface RetryPolicy {
  readonly attempts: number;
  /** Before the second attempt, and twice as long before each further one, up to MAX_BACKOFF_MS. */
  readonly backoffMs: number;
  /** Of an attempt as a whole, including the second request when the receiver asks for credentials. */
  readonly timeoutMs: number;
}

const MAX_BACKOFF_MS = 600_000;

export interface CallbackClientSettings {
  readonly retry: RetryPolicy;
  readonly connections: number;
  readonly hosts: CallbackHosts;
}

export interface Answer {
  /** HTTP status, or why there is none: 'timeout', 'host not allowed', or an error code such as 'ECONNREFUSED'. */
  readonly status: number | string;
  readonly attempts: number;
  /** Of the last attempt. */
  readonly elapsedMs: number;
}

const NOT_ALLOWED: Answer = { status: 'host not allowed', attempts: 0, elapsedMs: 0 };

export function isTaken({ status }: Answer): boolean {
  return typeof status === 'number' && status >= 200 && status < 300;
}

/** No webhook takes longer than this from its first attempt to the end of its last, in milliseconds. */
export function longestSendMs(policy: RetryPolicy): number {
  const backoffsMs = Array.from({ length: policy.attempts - 1 }, (_, index) => backoffMs(policy, index + 1));
  return backoffsMs.reduce((sum, ms) => sum + ms, policy.attempts * policy.timeoutMs);
}

/** After the failed attempt of that number, counted from 1. */
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
    // Each webhook that waits for its next attempt is a listener.
    setMaxListeners(0, this.#givingUp.signal);
    // Its timeouts are each of a part of an attempt, and inexact; the attempt has one of its own.
    const { timeoutMs } = retry;
    this.#agent = new Agent({ connections, headersTimeout: 0, bodyTimeout: 0, connect: { timeout: timeoutMs } });
  }

  /** Never rejects, and follows no redirect. `callbackUrl`: of http or https, with credentials or without. */
  async send(callbackUrl: string, body: string): Promise<Answer> {
    if (this.hosts.refusalOf(callbackUrl) !== undefined) return NOT_ALLOWED;
    const { signal } = this.#givingUp;
    for (let attempt = 1; ; attempt += 1) {
      const startMs = performance.now();
      const status = await this.#attempt(callbackUrl, body);
      const answer = { status, attempts: attempt, elapsedMs: performance.now() - startMs };
      if (isTaken(answer) || attempt >= this.#policy.attempts) return answer;
      await sleep(this.clock, backoffMs(this.#policy, attempt), signal);
      if (signal.aborted) return answer;
    }
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
      const isAsked = first.status === 401 && /^basic\b/i.test(first.challenge);
      if (!isAsked || credentials === undefined) return first.status;
      return (await this.#post(url, body, { authorization: `Basic ${credentials}` }, timeout.signal)).status;
    } catch (error) {
      if (timeout.signal.aborted) return 'timeout';
      return (error as { code?: string }).code ?? (error as Error).name;
    } finally {
      clearTimeout(timer);
    }
  }

  async #post(url: URL, body: string, headers: Record<string, string>, signal: AbortSignal) {
    const {
      statusCode,
      headers: answered,
      body: answer,
    } = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      dispatcher: this.#agent,
      signal,
    });
    // What it says is of no interest, but the connection is to be used again.
    await answer.dump();
    return { status: statusCode, challenge: String(answered['www-authenticate'] ?? '') };
  }
}

function takeCredentials(url: URL): string | undefined {
  const { username, password } = url;
  if (username === '' && password === '') return undefined;
  url.username = '';
  url.password = '';
  return Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
}
