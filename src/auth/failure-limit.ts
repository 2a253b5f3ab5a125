/** How often an address may fail to say who it is, within a minute: what it sends beyond that is answered with less. */
const MOST_FAILURES = 30;
const PERIOD_MS = 60_000;
/** Addresses remembered at once; the one that failed first is forgotten first. */
const MOST_ADDRESSES = 10_000;

/** Counts in this process alone. It never keeps out who has a key: the address may be that of a proxy which many share. */
export class FailureLimit {
  readonly #failures = new Map<string, { count: number; endsAtMs: number }>();

  /** Seconds until the address may fail again; 0: it may still. */
  fail(address: string, nowMs: number): number {
    const known = this.#failures.get(address);
    const failures = known && nowMs < known.endsAtMs ? known : { count: 0, endsAtMs: nowMs + PERIOD_MS };
    failures.count += 1;
    if (failures !== known) this.#failures.delete(address);
    this.#failures.set(address, failures);
    for (const first of this.#failures.keys()) {
      if (this.#failures.size <= MOST_ADDRESSES) break;
      this.#failures.delete(first);
    }
    return failures.count <= MOST_FAILURES ? 0 : Math.ceil((failures.endsAtMs - nowMs) / 1_000);
  }
}
