// How all endpoints fare together, on the process that delivers. Not one by one: there may be a thousand.
import { Inject, Injectable } from '@nestjs/common';
import { Metrics } from '../../observability/metrics/metrics.js';
import { CLOCK, type Clock } from '../../runtime/clock.js';
import { DELIVERY_STORE } from '../../storage/tokens.js';
import type { DeliveryStore } from '../../storage/webhook-ports.js';
import type { Endpoint } from '../endpoint.js';
import { Deliveries, type Overview } from './deliveries.js';
import { DeliveryMetrics } from './delivery-metrics.js';

const STATES = ['delivering', 'failing', 'paused', 'disabled', 'undecodable'] as const;
type State = (typeof STATES)[number];

@Injectable()
export class DeliveryGauges {
  readonly #endpoints;
  readonly #lag;
  readonly #waiting;
  readonly #deadLetters;
  /** The deliveries for which all endpoints have been counted once. */
  #counted: Overview['running'] | undefined;

  constructor(
    metrics: Metrics,
    private readonly deliveryMetrics: DeliveryMetrics,
    private readonly deliveries: Deliveries,
    @Inject(DELIVERY_STORE) private readonly store: DeliveryStore,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.#endpoints = metrics.gauge({
      name: 'rollcall_webhook_endpoints',
      help: 'Endpoints of webhooks, by state.',
      labels: ['state'],
      aggregation: 'max',
    });
    this.#lag = metrics.gauge({
      name: 'rollcall_webhook_lag_seconds',
      help: 'Age of the oldest change that an endpoint in this state has not taken; 0: there is none.',
      labels: ['state'],
      aggregation: 'max',
    });
    this.#waiting = metrics.gauge({
      name: 'rollcall_webhook_waiting_changes',
      help: 'Changes that were read from the feed and wait for an endpoint in this state.',
      labels: ['state'],
      aggregation: 'max',
    });
    this.#deadLetters = metrics.gauge({
      name: 'rollcall_webhook_dead_letters_kept',
      help: 'Dead letters that are kept.',
      aggregation: 'max',
    });
    metrics.collect(() => this.#collect());
  }

  async #collect(): Promise<void> {
    const overview = this.deliveries.overview;
    if (!overview) return;
    this.#showStates(overview);
    await this.#showDeadLetters(overview);
  }

  #showStates({ endpoints, undecodable, running }: Overview): void {
    const counts = new Map<State, number>([['undecodable', undecodable]]);
    const waiting = { delivering: 0, failing: 0 };
    const lagMs = { delivering: 0, failing: 0 };
    const nowMs = this.clock.now();
    for (const endpoint of endpoints) {
      const delivery = running.get(endpoint.id);
      const state = stateOf(endpoint, delivery?.queue.isFailing ?? false);
      counts.set(state, (counts.get(state) ?? 0) + 1);
      if (!delivery || (state !== 'delivering' && state !== 'failing')) continue;
      waiting[state] += delivery.queue.changeCount;
      lagMs[state] = Math.max(lagMs[state], nowMs - (delivery.behindSinceMs ?? nowMs));
    }
    for (const state of STATES) this.#endpoints.set(counts.get(state) ?? 0, state);
    for (const state of ['delivering', 'failing'] as const) {
      this.#waiting.set(waiting[state], state);
      this.#lag.set(lagMs[state] / 1_000, state);
    }
  }

  /** Counts the dead letters of every endpoint once, then only those of endpoints that may have some. */
  async #showDeadLetters({ endpoints, running }: Overview): Promise<void> {
    const { withDeadLetters } = this.deliveryMetrics;
    const existing = new Set<string>(endpoints.map(({ id }) => id));
    const ids = [...(this.#counted === running ? withDeadLetters : existing)].filter((id) => existing.has(id));
    const counts = await Promise.all(ids.map((id) => this.store.count('dead-letters', id)));
    for (const [n, id] of ids.entries()) {
      if (counts[n] === 0) withDeadLetters.delete(id);
      else withDeadLetters.add(id);
    }
    this.#counted = running;
    this.#deadLetters.set(counts.reduce((sum, count) => sum + count, 0));
  }
}

function stateOf({ isEnabled, disabled }: Endpoint, isFailing: boolean): State {
  if (disabled) return 'disabled';
  if (!isEnabled) return 'paused';
  return isFailing ? 'failing' : 'delivering';
}
