import type { SimulatorSettings } from '../../simulator/simulator.js';
import type { RetryPolicy } from '../../simulator/webhooks/callback-client.js';
import type { ChaosPolicy } from '../../simulator/webhooks/chaos.js';

export const NO_CHAOS: ChaosPolicy = {
  lossShare: 0,
  duplicateShare: 0,
  delayMs: 0,
  reorderShare: 0,
  reorderWithinMs: 0,
  skewMs: 0,
  clockOffsetMs: 0,
  overlapShare: 0,
  overlapWithinMs: 5_000,
  burstMs: 0,
};

export const ONE_ATTEMPT: RetryPolicy = { attempts: 1, backoffMs: 1_000, timeoutMs: 10_000 };

/** A provider without chaos that accepts any credentials. */
export const PLAIN: SimulatorSettings = {
  chaos: NO_CHAOS,
  seed: 1,
  retry: ONE_ATTEMPT,
  customer: {},
  product: 'bandwidth',
  endpointLifetimeMs: 86_400_000,
  callbackUrl: 'http://127.0.0.1:3000/callbacks/bandwidth',
  callbackHosts: [],
  allowedHosts: [],
  pingIntervalMs: 10_000,
};
