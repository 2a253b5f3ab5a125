// Asks the service how it is: a stream that is silent may be one of a service whose store is unavailable.
import { signal } from '@preact/signals';
import { ApiError, request } from '../api/client.js';
import type { ComponentHealth, HealthResponse } from '../api/types.js';

const INTERVAL_MS = 3_000;
const TIMEOUT_MS = 5_000;

/** undefined: not known, or the key does not allow to see it. */
export const components = signal<Readonly<Record<string, ComponentHealth>> | undefined>(undefined);

/** `trouble`: called whenever changes cannot be expected to come. */
export function watchHealth(trouble: (reason: string) => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;
  const ask = async () => {
    const { details, fault } = await readHealth();
    if (isStopped) return;
    components.value = details;
    const store = details?.store;
    if (store?.status === 'down') trouble(`The store ${store.message ?? 'is down'}.`);
    else if (fault !== undefined && !details) trouble(fault);
    timer = setTimeout(ask, INTERVAL_MS);
  };
  void ask();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}

async function readHealth(): Promise<{ details?: HealthResponse['details']; fault?: string }> {
  try {
    const { details } = await request<HealthResponse>('/health/ready', { timeoutMs: TIMEOUT_MS });
    return details ? { details } : {};
  } catch (error) {
    const { message, problem } = error as ApiError;
    const details = problem?.details as HealthResponse['details'];
    return { fault: message, ...(details && { details }) };
  }
}
