import type { Logger } from 'pino';

/** One line for the loss of a store and one for its recovery, however many failures are between. */
export class StoreLoss {
  #isLost = false;

  constructor(private readonly log: Logger) {}

  /** `error`: an Error, or undefined for a success. */
  report(error: unknown): void {
    if (error !== undefined && !this.#isLost) {
      this.log.error({ reason: (error as Error).message }, 'store lost');
    }
    if (error === undefined && this.#isLost) this.log.info('store recovered');
    this.#isLost = error !== undefined;
  }
}
