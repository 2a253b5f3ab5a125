const MINUTE_MS = 60_000;
const MOST_NAMES = 10_000;

interface Minute {
  count: number;
  readonly endsAtMs: number;
}

/** How often something has happened within a minute, by name, in this process alone. */
export class MinuteCounts {
  readonly #minutes = new Map<string, Minute>();

  /**
   * `mostNames`: remembered at once. The one whose minute began first is forgotten first, and then counts from 0: that
   * loses nothing unless more names than that have come within a minute.
   */
  constructor(private readonly mostNames = MOST_NAMES) {}

  /** How often with this time, and the seconds until it begins anew: a minute after the first time. */
  add(name: string, nowMs: number): { count: number; resetS: number } {
    let minute = this.#minutes.get(name);
    if (!minute || nowMs >= minute.endsAtMs) minute = this.#begin(name, nowMs);
    minute.count += 1;
    return { count: minute.count, resetS: Math.ceil((minute.endsAtMs - nowMs) / 1_000) };
  }

  #begin(name: string, nowMs: number): Minute {
    const minute = { count: 0, endsAtMs: nowMs + MINUTE_MS };
    this.#minutes.delete(name);
    this.#minutes.set(name, minute);
    for (const [first, { endsAtMs }] of this.#minutes) {
      if (this.#minutes.size <= this.mostNames && nowMs < endsAtMs) break;
      this.#minutes.delete(first);
    }
    return minute;
  }
}
