/** Bounds the memory: an event takes about 300 bytes. */
const MAX_ITEMS = 200_000;
const MIN_COMPACTION = 1_024;

interface Kept<T> {
  readonly item: T;
  readonly atMs: number;
}

/**
 * What was recorded in the last `lengthMs` before the store was last known to be intact, and since then; or the newest of it if
 * that is too much. So an outage, however long, does not make the window forget what was recorded shortly before it.
 */
export class ReplayWindow<T> {
  readonly #kept: Kept<T>[] = [];
  /** Those before it have left the window. */
  #first = 0;

  constructor(private readonly lengthMs: number) {}

  /** `intactAtMs`: when the store was last known to be intact. */
  add(item: T, nowMs: number, intactAtMs: number): void {
    if (this.lengthMs === 0) return;
    this.#kept.push({ item, atMs: nowMs });
    this.#drop(intactAtMs);
  }

  items(intactAtMs: number): T[] {
    this.#drop(intactAtMs);
    return this.#kept.slice(this.#first).map(({ item }) => item);
  }

  #drop(intactAtMs: number): void {
    const isOutside = ({ atMs }: Kept<T>) =>
      atMs < intactAtMs - this.lengthMs || this.#kept.length - this.#first > MAX_ITEMS;
    for (let kept = this.#kept[this.#first]; kept && isOutside(kept); kept = this.#kept[this.#first]) this.#first += 1;
    // Now and then, so that each item is moved about once.
    if (this.#first < MIN_COMPACTION || this.#first < this.#kept.length / 2) return;
    this.#kept.splice(0, this.#first);
    this.#first = 0;
  }
}
