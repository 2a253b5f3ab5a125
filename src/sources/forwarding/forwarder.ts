// Sends each callback that this service has accepted to another Rollcall as well, so that both have the same events while readers
// move from one to the other; see docs/moving.md. A callback is durable in a spool of its own before it is acknowledged.
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import { OutageLog } from '../../observability/outage-log.js';
import type { Clock } from '../../runtime/clock.js';
import type { Spool, SpoolConsumer, SpoolState } from '../../spool/spool.js';
import type { SubjectKey } from '../../storage/encoding/subject-key.js';
import { StoreUnavailableError } from '../../storage/ports.js';
import { notUnderstood, ProviderApiError, requestJson } from '../provider-api.js';
import type { ReceivedCallback } from '../refused-callbacks.js';
import type { ForwardMetrics } from './forward-metrics.js';
import {
  FORWARD_OUTCOMES,
  type ForwardOutcome,
  forwardedText,
  MAX_FORWARDED,
  MAX_FORWARDED_BYTES,
} from './forwarded-callback.js';

export interface ForwardTarget {
  /** The base URL of the other service. */
  readonly url: string;
  /** undefined: it needs none. */
  readonly apiKey: string | undefined;
}

export interface ForwarderParts {
  /** undefined: callbacks are not forwarded. */
  readonly target: ForwardTarget | undefined;
  readonly spool: Spool;
  readonly metrics: ForwardMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

/** After a request that failed, no other one is sent within this time. */
const MIN_PAUSE_MS = 250;
const EMPTY_REQUEST_BYTES = '{"callbacks":[]}'.length;

@Injectable()
export class Forwarder implements SpoolConsumer, OnApplicationBootstrap, OnApplicationShutdown {
  readonly #outages: OutageLog;
  readonly #stopping = new AbortController();
  #notBeforeMs = 0;
  /** The other service takes callbacks, but not all of them. */
  #isPartial = false;

  constructor(private readonly parts: ForwarderParts) {
    this.#outages = new OutageLog(parts.log, 'the service in FORWARD_TO');
  }

  onApplicationBootstrap(): void {
    if (this.parts.target) this.parts.spool.start(this);
  }

  /** Requests have been answered by now. */
  async onApplicationShutdown(): Promise<void> {
    this.#stopping.abort();
    await this.parts.spool.stop();
  }

  /** undefined: callbacks are not forwarded. */
  get state(): SpoolState | undefined {
    return this.parts.target && this.parts.spool.state;
  }

  /**
   * Resolves when the callback is durable. If it cannot be kept, it is counted and logged, but not refused: a provider may never
   * send it again, and an import can bring the other service up to date.
   */
  async add(callback: ReceivedCallback): Promise<void> {
    if (!this.parts.target) return;
    const { spool, metrics } = this.parts;
    const { source, receivedAtMs } = callback;
    // The spool only counts by the key.
    const isKept = await spool.add({
      key: source as string as SubjectKey,
      receivedAtMs,
      text: forwardedText(callback),
    });
    if (!isKept) metrics.add('dropped', 1);
  }

  async canApply(): Promise<'all' | 'some' | 'none'> {
    if (this.#isPausing()) return 'none';
    return this.#isPartial ? 'some' : 'all';
  }

  async apply(texts: readonly string[]): Promise<readonly PromiseSettledResult<unknown>[]> {
    const results: PromiseSettledResult<unknown>[] = [];
    for (const batch of batchesOf(texts)) {
      const wait = () => batch.map(() => later('an earlier request has failed'));
      results.push(...(this.#isPausing() ? wait() : await this.#post(batch)));
    }
    return results;
  }

  #isPausing(): boolean {
    return this.parts.clock.now() < this.#notBeforeMs;
  }

  async #post(texts: readonly string[]): Promise<PromiseSettledResult<unknown>[]> {
    try {
      const outcomes = await this.#exchange(texts);
      const waiting = outcomes.find(({ outcome }) => outcome === 'unavailable');
      this.#isPartial = waiting !== undefined;
      if (waiting)
        this.#outages.failed({ kind: 'waiting', message: faultOf(waiting.detail ?? 'it cannot accept some of them') });
      else this.#outages.recovered();
      return outcomes.map((outcome) => this.#settled(outcome));
    } catch (error) {
      if (!(error instanceof ProviderApiError)) throw error;
      const { fault, message, retryAfterMs = 0 } = error;
      this.#notBeforeMs = this.parts.clock.now() + Math.max(retryAfterMs, MIN_PAUSE_MS);
      if (!this.#stopping.signal.aborted) this.#outages.failed({ kind: fault, message: faultOf(message) });
      return texts.map(() => later(message));
    }
  }

  /** Rejects with ProviderApiError. */
  async #exchange(texts: readonly string[]): Promise<readonly ForwardOutcome[]> {
    const { url, apiKey } = this.parts.target as ForwardTarget;
    const { json } = await requestJson(`${url}/v1/forwarded-callbacks`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      },
      body: `{"callbacks":[${texts.join()}]}`,
      signal: this.#stopping.signal,
    });
    const { results } = Object(json) as { readonly results?: unknown };
    if (!Array.isArray(results) || results.length !== texts.length || !results.every(isOutcome)) {
      throw notUnderstood('its response');
    }
    return results;
  }

  #settled({ outcome, detail = '' }: ForwardOutcome): PromiseSettledResult<unknown> {
    if (outcome === 'unavailable') return later(detail);
    const isRefused = outcome === 'refused';
    if (isRefused)
      this.parts.log.error({ detail }, 'the service in FORWARD_TO refused a callback that was accepted here');
    this.parts.metrics.add(isRefused ? 'refused' : 'delivered', 1);
    return { status: 'fulfilled', value: outcome };
  }
}

/** Each can be sent in one request. */
function* batchesOf(texts: readonly string[]): Generator<readonly string[]> {
  let [batch, bytes]: [string[], number] = [[], EMPTY_REQUEST_BYTES];
  for (const text of texts) {
    const length = Buffer.byteLength(text) + 1;
    if (batch.length === MAX_FORWARDED || (batch.length > 0 && bytes + length > MAX_FORWARDED_BYTES)) {
      yield batch;
      [batch, bytes] = [[], EMPTY_REQUEST_BYTES];
    }
    batch.push(text);
    bytes += length;
  }
  yield batch;
}

function isOutcome(value: unknown): value is ForwardOutcome {
  const { outcome } = Object(value) as { readonly outcome?: unknown };
  return FORWARD_OUTCOMES.some((one) => one === outcome);
}

function faultOf(message: string): string {
  return `callbacks wait, because the service in FORWARD_TO does not take them: ${message}`;
}

function later(reason: string): PromiseRejectedResult {
  return { status: 'rejected', reason: new StoreUnavailableError(reason) };
}
