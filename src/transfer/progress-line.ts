// Shows how far a program is, on standard error: a bar on a terminal, otherwise a line every few seconds.
const [BAR_WIDTH, REDRAW_MS, LINE_MS] = [30, 250, 10_000];

export class ProgressLine {
  readonly #timer: NodeJS.Timeout;
  readonly #isTerminal = process.stderr.isTTY;

  /** `part`: from 0 to 1; undefined: not known. */
  constructor(private readonly state: () => { readonly part: number | undefined; readonly text: string }) {
    this.#timer = setInterval(() => this.#draw(), this.#isTerminal ? REDRAW_MS : LINE_MS).unref();
  }

  /** Removes the bar. */
  stop(): void {
    clearInterval(this.#timer);
    if (this.#isTerminal) process.stderr.write('\r\u001b[K');
  }

  #draw(): void {
    const { part, text } = this.state();
    const known = part === undefined ? undefined : Math.min(part, 1);
    const percentage = known === undefined ? '' : `${Math.floor(known * 100)} % `;
    if (!this.#isTerminal) {
      process.stderr.write(`${percentage}${text}\n`);
      return;
    }
    const filled = Math.round((known ?? 0) * BAR_WIDTH);
    const bar = known === undefined ? '' : `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} `;
    process.stderr.write(`\r${bar}${percentage}${text}\u001b[K`);
  }
}
