import { SingleBar } from 'cli-progress';
import type { Tally } from './tally.js';

/** The bar is redrawn at this interval, not for each of possibly a million steps. */
const REFRESH_MS = 250;

/** Shows the progress of a run: a bar on a terminal, otherwise a line every few seconds. */
export class ProgressBar {
  readonly #bar: SingleBar;
  readonly #startMs = Date.now();
  readonly #timer: NodeJS.Timeout;
  #tally: Tally | undefined;

  constructor(private readonly durationMs: number) {
    this.#bar = new SingleBar({
      format: '{bar} {percentage} % | {connected} devices connected | {sent} sent, {refused} not accepted',
      noTTYOutput: true,
      notTTYSchedule: 5_000,
      hideCursor: true,
      gracefulExit: false,
    });
    this.#bar.start(durationMs, 0, { connected: 0, sent: 0, refused: 0 });
    this.#timer = setInterval(() => this.#draw(), REFRESH_MS);
  }

  show(tally: Tally): void {
    this.#tally = tally;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#draw();
    this.#bar.stop();
  }

  #draw(): void {
    const { connected = 0, sent = 0, refused = 0 } = this.#tally ?? {};
    this.#bar.update(Math.min(Date.now() - this.#startMs, this.durationMs), { connected, sent, refused });
  }
}
