import type { Logger } from 'pino';

/** Logs an outage in a few lines, however many attempts fail: one for each kind of failure, and one for the recovery. */
export class OutageLog {
  readonly #log: Logger;
  readonly #name: string;
  readonly #kinds = new Set<string>();
  #sinceMs = 0;

  /** `name`: of the unavailable component. */
  constructor(log: Logger, name: string) {
    this.#log = log;
    this.#name = name;
  }

  /** `kind`: any failure may briefly look like 'unreachable', so that kind is not logged after another one. */
  failed({ kind, message }: { readonly kind: string; readonly message: string }): void {
    if (this.#kinds.size === 0) this.#sinceMs = performance.now();
    else if (this.#kinds.has(kind) || kind === 'unreachable') return;
    this.#kinds.add(kind);
    this.#log.error(`${message}; trying again`);
  }

  recovered(): void {
    if (this.#kinds.size === 0) return;
    this.#kinds.clear();
    this.#log.info({ outageMs: Math.round(performance.now() - this.#sinceMs) }, `${this.#name} is available`);
  }
}
