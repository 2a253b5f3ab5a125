// Who is using the console: what the service is, and what the key may do.
import { computed, effect, signal, untracked } from '@preact/signals';
import { apiKey, keepKey } from './api-key.js';
import { ApiError, request } from './client.js';
import type { Scope, SystemResponse } from './types.js';

export type Session =
  | { readonly kind: 'starting'; readonly fault?: string }
  /** `fault`: why the key that was tried does not do. */
  | { readonly kind: 'locked'; readonly fault?: string }
  /** No key would help. */
  | { readonly kind: 'refused'; readonly fault: string }
  | { readonly kind: 'open'; readonly system: SystemResponse };

const RETRY_MS = 2_000;

export const session = signal<Session>({ kind: 'starting' });
export const system = computed(() => (session.value.kind === 'open' ? session.value.system : undefined));

export function may(scope: Scope): boolean {
  return system.value?.access.scopes.includes(scope) === true;
}

/** Tries the key that is kept, or none. Resolves when it is known whether it will do. */
export async function openSession(): Promise<void> {
  for (;;) {
    try {
      session.value = { kind: 'open', system: await request<SystemResponse>('/v1/system') };
      return;
    } catch (error) {
      const { status, message, problem } = error as ApiError;
      if (status === 401) return lock(apiKey.value === '' ? undefined : 'The service does not accept this key.');
      if (status === 403 && String(problem.type).includes('local-only')) {
        session.value = { kind: 'refused', fault: message };
        return;
      }
      if (status === 403) return lock(`${message} The console needs a key with the scope read.`);
      session.value = { kind: 'starting', fault: message };
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

export async function signIn(key: string): Promise<void> {
  keepKey(key);
  await openSession();
}

/** Forgets the key. */
export function lock(fault?: string): void {
  keepKey('');
  session.value = { kind: 'locked', ...(fault !== undefined && { fault }) };
}

/** Reads again what may have changed. Rejects with ApiError. */
export async function refreshSystem(): Promise<void> {
  const current = await request<SystemResponse>('/v1/system');
  if (session.value.kind === 'open') session.value = { kind: 'open', system: current };
}

/** Locks if the service no longer accepts the key, as after it was removed from API_KEYS. Returns whether it did. */
export function lockedBy(error: unknown): boolean {
  if (!(error instanceof ApiError) || (error.status !== 401 && error.status !== 403)) return false;
  lock(error.status === 401 ? 'The service no longer accepts this key.' : error.message);
  return true;
}

/** Calls `work` while the session is open, and the function that it returns when it no longer is. */
export function whileOpen(work: () => () => void): void {
  const isOpen = computed(() => session.value.kind === 'open');
  effect(() => (isOpen.value ? untracked(work) : undefined));
}
