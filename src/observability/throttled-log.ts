// Rate-limited log lines, for events that callers can cause at will. The first lines of a kind within a minute are written
// immediately; further ones are counted and summarized in one line at the end of the minute. `count` is the number of events
// that a line stands for.
import type { Logger } from 'pino';
import type { Clock } from '../runtime/clock.js';

const PERIOD_MS = 60_000;

export interface ThrottledLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  /** The number of events per minute that get a line of their own. */
  readonly linesPerMinute: number;
  /** Called only when the line is needed. */
  readonly logFields: () => Record<string, unknown>;
}

interface Tally {
  written: number;
  /** Events without a line of their own. */
  count: number;
  /** The first of them, shown in the summary line. */
  sample?: ThrottledLine;
}

export class ThrottledLog {
  readonly #tallies = new Map<string, Tally>();
  #cancelFlush: (() => void) | undefined;

  constructor(
    private readonly log: Logger,
    private readonly clock: Clock,
  ) {}

  /** `kind` must come from a small fixed set, since each one is kept for a minute. At level debug every line is written. */
  add(kind: string, line: ThrottledLine): void {
    this.#cancelFlush ??= this.clock.after(PERIOD_MS, () => this.flush());
    const tally = this.#tallies.get(kind) ?? { written: 0, count: 0 };
    this.#tallies.set(kind, tally);
    if (tally.written < line.linesPerMinute) {
      tally.written += 1;
      this.log[line.level]({ ...line.logFields(), count: 1 }, line.message);
      return;
    }
    tally.count += 1;
    if (!tally.sample) {
      const logFields = line.logFields(); // evaluated now: a closed connection no longer has an address
      tally.sample = { ...line, logFields: () => logFields };
    }
    if (this.log.isLevelEnabled('debug')) this.log.debug(line.logFields(), line.message);
  }

  /** Writes the summary lines and resets the counts, at the end of each minute and before the process ends. */
  flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    for (const { sample, count } of this.#tallies.values()) {
      if (sample) this.log[sample.level]({ ...sample.logFields(), count }, sample.message);
    }
    this.#tallies.clear();
  }
}
