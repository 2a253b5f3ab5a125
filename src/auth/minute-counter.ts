const MINUTE_MS = 60_000;
const MAX_NAMES = 10_000;

interface Minute {
  count: number;
  readonly endsAtMs: number;
}

/** Counts events per name and minute, in this process only. */
export class MinuteCounter {
  readonly #minutes = new Map<string, Minute>();

  /**
   * `maxNames`: counted at once. The name whose minute started first is forgotten first and counts from 0 again; that
   * matters only when more names than that occur within a minute.
   */
  constructor(private readonly maxNames = MAX_NAMES) {}

  /** Returns the count including this event, and the seconds until it resets: a minute after the first event. */
  add(name: string, nowMs: number): { count: number; resetS: number } {
    let minute = this.#minutes.get(name);
    if (!minute || nowMs >= minute.endsAtMs) minute = this.#start(name, nowMs);
    minute.count += 1;
    return { count: minute.count, resetS: Math.ceil((minute.endsAtMs - nowMs) / 1_000) };
  }

  #start(name: string, nowMs: number): Minute {
    const minute = { count: 0, endsAtMs: nowMs + MINUTE_MS };
    this.#minutes.delete(name);
    this.#minutes.set(name, minute);
    for (const [first, { endsAtMs }] of this.#minutes) {
      if (this.#minutes.size <= this.maxNames && nowMs < endsAtMs) break;
      this.#minutes.delete(first);
    }
    return minute;
  }
}
