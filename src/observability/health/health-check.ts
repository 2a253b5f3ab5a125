export interface ComponentHealth {
  readonly status: 'up' | 'down';
  /** Phrased to follow the name of the component. */
  readonly message?: string;
  /** Further facts. */
  readonly [fact: string]: string | number | undefined;
}

/** The check of a component that the service depends on. */
export interface HealthCheck {
  /** The name in the response. */
  readonly name: string;
  /** Never rejects. */
  readonly check: () => Promise<ComponentHealth>;
  /** Called after all checks: whether callbacks can be accepted although this component is down. */
  readonly isOptional?: () => boolean;
}

/** Injection token of a list of checks. */
export const HEALTH_CHECKS = Symbol('HealthChecks');
