// Logs each error once. For stored data that cannot be decoded: every read finds the same error again.
import type { Logger } from 'pino';

/** Beyond this number, the oldest are forgotten and would be logged again. */
const MAX_REMEMBERED = 1_000;

export class DeduplicatedLog {
  readonly #logged = new Set<string>();
  #count = 0;

  constructor(
    private readonly log: Logger,
    private readonly message: string,
  ) {}

  /** The number of errors logged since the start. */
  get count(): number {
    return this.#count;
  }

  /** Logs only the first error for `key`. `logFields` identify the data and never contain it. */
  error(key: string, logFields: Readonly<Record<string, unknown>>): void {
    if (this.#logged.has(key)) return;
    this.#logged.add(key);
    this.#count += 1;
    const [oldest] = this.#logged;
    if (oldest !== undefined && this.#logged.size > MAX_REMEMBERED) this.#logged.delete(oldest);
    this.log.error({ ...logFields, countSinceStart: this.#count }, this.message);
  }
}
