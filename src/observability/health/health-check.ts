/** A part that the service cannot do without. */
export interface HealthCheck {
  /** As the response calls it. */
  readonly name: string;
  /** What is wrong with it, to follow its name; undefined: it is up. Does not reject. */
  readonly fault: () => Promise<string | undefined>;
}

/** For injection: a list of them. */
export const HEALTH_CHECKS = Symbol('HealthChecks');
