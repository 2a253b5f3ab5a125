/** The check of a component that the service depends on. */
export interface HealthCheck {
  /** The name in the response. */
  readonly name: string;
  /** Resolves with a fault, phrased to follow the name, or with undefined when the component is up. Never rejects. */
  readonly fault: () => Promise<string | undefined>;
}

/** Injection token of a list of checks. */
export const HEALTH_CHECKS = Symbol('HealthChecks');
