// Log lines that callers cause: never one for each. Of one kind the first few of a minute are written as they come; the rest
// are counted, and written as one line when the minute is over. The `count` of a line is how many it stands for.
import type { Logger } from 'pino';
import type { Clock } from '../runtime/clock.js';

const PERIOD_MS = 60_000;

export interface LimitedLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  /** How many within a minute have a line of their own. */
  readonly linesPerMinute: number;
  /** Called only if it is written. */
  readonly facts: () => Record<string, unknown>;
}

interface Tally {
  written: number;
  /** Since the last line. */
  count: number;
  /** What the line at the end of the minute shows: the first one without a line of its own. */
  sample?: LimitedLine;
}

export class LimitedLog {
  readonly #tallies = new Map<string, Tally>();
  #cancelFlush: (() => void) | undefined;

  constructor(
    private readonly log: Logger,
    private readonly clock: Clock,
  ) {}

  /** `kind` is of a closed set: each one is remembered for a minute. At level debug every line is written. */
  add(kind: string, line: LimitedLine): void {
    this.#cancelFlush ??= this.clock.after(PERIOD_MS, () => this.flush());
    const tally = this.#tallies.get(kind) ?? { written: 0, count: 0 };
    this.#tallies.set(kind, tally);
    if (tally.written < line.linesPerMinute) {
      tally.written += 1;
      this.log[line.level]({ ...line.facts(), count: 1 }, line.message);
      return;
    }
    tally.count += 1;
    if (!tally.sample) {
      const facts = line.facts(); // now, since a connection that is closed has no address any more
      tally.sample = { ...line, facts: () => facts };
    }
    if (this.log.isLevelEnabled('debug')) this.log.debug(line.facts(), line.message);
  }

  /** Writes what was counted, and begins anew: at the end of each minute, and before the process ends. */
  flush(): void {
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    for (const { sample, count } of this.#tallies.values()) {
      if (sample) this.log[sample.level]({ ...sample.facts(), count }, sample.message);
    }
    this.#tallies.clear();
  }
}
