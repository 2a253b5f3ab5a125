import type { RetryPolicy } from '../../src/simulator/webhooks/callback-client.js';
import type { ChaosPolicy } from '../../src/simulator/webhooks/chaos.js';

export const NO_CHAOS: ChaosPolicy = {
  lossShare: 0,
  duplicateShare: 0,
  delayMs: 0,
  reorderShare: 0,
  reorderWithinMs: 0,
  skewMs: 0,
  overlapShare: 0,
  burstMs: 0,
};

export const ONE_ATTEMPT: RetryPolicy = { attempts: 1, backoffMs: 1_000, timeoutMs: 10_000 };
