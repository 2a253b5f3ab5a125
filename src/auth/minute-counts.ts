const MINUTE_MS = 60_000;
/** Names remembered at once; the one whose minute began first is forgotten first. */
const MOST_NAMES = 10_000;

interface Minute {
  count: number;
  readonly endsAtMs: number;
}

/** How often something has happened within a minute, by name, in this process alone. */
export class MinuteCounts {
  readonly #minutes = new Map<string, Minute>();

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
    for (const first of this.#minutes.keys()) {
      if (this.#minutes.size <= MOST_NAMES) break;
      this.#minutes.delete(first);
    }
    return minute;
  }
}
