// Whether callbacks can be accepted, from the checks of all components.
import { Inject, Injectable } from '@nestjs/common';
import { type ComponentHealth, HEALTH_CHECKS, type HealthCheck } from './health-check.js';

/** The check writes to the store, so all requests within this time share one result. */
const CHECK_LIFETIME_MS = 1_000;

type Components = Readonly<Record<string, ComponentHealth>>;

export interface ReadinessReport {
  /** `error`: callbacks cannot be accepted. */
  readonly status: 'ok' | 'error';
  /** The components that are up. */
  readonly info: Components;
  /** Those that are down. */
  readonly error: Components;
  readonly details: Components;
}

@Injectable()
export class Readiness {
  #result: Promise<ReadinessReport> | undefined;
  #checkedAtMs = 0;

  constructor(@Inject(HEALTH_CHECKS) private readonly checks: readonly HealthCheck[]) {}

  /** Never rejects. */
  check(): Promise<ReadinessReport> {
    const nowMs = performance.now();
    if (!this.#result || nowMs - this.#checkedAtMs >= CHECK_LIFETIME_MS) {
      this.#result = reportOf(this.checks);
      this.#checkedAtMs = nowMs;
    }
    return this.#result;
  }
}

async function reportOf(checks: readonly HealthCheck[]): Promise<ReadinessReport> {
  const found = await Promise.all(checks.map(async (each) => ({ ...each, health: await each.check() })));
  const components = (matches: (health: ComponentHealth) => boolean): Components =>
    Object.fromEntries(found.filter(({ health }) => matches(health)).map(({ name, health }) => [name, health]));
  return {
    status: found.every(({ health, isOptional }) => health.status === 'up' || isOptional?.() === true) ? 'ok' : 'error',
    info: components(({ status }) => status === 'up'),
    error: components(({ status }) => status === 'down'),
    details: components(() => true),
  };
}
