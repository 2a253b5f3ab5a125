// What must hold under every attack.

export const LIMITS = {
  /** Times the 99th percentile without the attack. */
  latencyFactor: 5,
  /** Less is noise: of a 99th percentile of 2 ms, five times as much may be one pause of the machine. */
  leastControlMs: 20,
  /** Resident memory above that at rest. */
  grownMib: 256,
  backAfterMs: 10_000,
};

/** `lateP99Ms`: of the sender meanwhile, which other work on the machine may have kept from the processor. */
export function latencyLimitMs(control, { lateP99Ms }) {
  return LIMITS.latencyFactor * Math.max(control.p99Ms, lateP99Ms, LIMITS.leastControlMs);
}

/** What did not hold. */
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
