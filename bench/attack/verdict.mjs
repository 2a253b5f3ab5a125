// The criteria that every attack must meet.

export const LIMITS = {
  /** A multiple of the 99th percentile without the attack. */
  latencyFactor: 5,
  /** Smaller values are noise: five times a 99th percentile of 2 ms may be one pause of the machine. */
  minControlMs: 20,
  /** Growth of resident memory. */
  grownMib: 256,
  backAfterMs: 10_000,
};

/** `lateP99Ms`: the delay of the sender itself, caused by other load on the machine. */
export function latencyLimitMs(control, { lateP99Ms }) {
  return LIMITS.latencyFactor * Math.max(control.p99Ms, lateP99Ms, LIMITS.minControlMs);
}

/** The names of the criteria that were not met. */
export function verdict({ control, underAttack, grownMib, backAfterMs, isAlive, isReady, isFeedKept, attacker }) {
  const held = {
    control: control.refused + control.failed === 0,
    latency: underAttack.p99Ms <= latencyLimitMs(control, underAttack),
    refused: underAttack.refused + underAttack.failed === 0,
    memory: grownMib <= LIMITS.grownMib,
    recovery: backAfterMs !== undefined,
    alive: isAlive,
    ready: isReady,
    feed: isFeedKept,
    answers: attacker.faults.length === 0,
  };
  return Object.keys(held).filter((name) => !held[name]);
}
