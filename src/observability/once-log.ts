// Errors about stored data that cannot be read: such data is met again with every read, and is worth one line.
import type { Logger } from 'pino';

/** Beyond so many, the oldest are forgotten and would be logged again. */
const MAX_REMEMBERED = 1_000;

export class OnceLog {
  readonly #logged = new Set<string>();
  #count = 0;

  constructor(
    private readonly log: Logger,
    private readonly message: string,
  ) {}

  /** How many were logged since the start. */
  get count(): number {
    return this.#count;
  }

  /** Logs the first error about `key`, and no later one. `facts`: what identifies the data, never its content. */
  error(key: string, facts: Readonly<Record<string, unknown>>): void {
    if (this.#logged.has(key)) return;
    this.#logged.add(key);
    this.#count += 1;
    const [oldest] = this.#logged;
    if (oldest !== undefined && this.#logged.size > MAX_REMEMBERED) this.#logged.delete(oldest);
    this.log.error({ ...facts, countSinceStart: this.#count }, this.message);
  }
}
