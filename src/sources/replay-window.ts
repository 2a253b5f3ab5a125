/** Bounds the memory: an event takes about 300 bytes. */
const MAX_ITEMS = 200_000;
const MIN_COMPACTION = 1_024;

interface Kept<T> {
  readonly item: T;
  readonly atMs: number;
}

/** The items of the last `lengthMs`, or the newest of them if there are too many. */
export class ReplayWindow<T> {
  readonly #kept: Kept<T>[] = [];
  /** Those before it have left the window. */
  #first = 0;

  constructor(readonly lengthMs: number) {}

  add(item: T, nowMs: number): void {
    if (this.lengthMs === 0) return;
    this.#kept.push({ item, atMs: nowMs });
    this.#drop(nowMs);
  }

  items(nowMs: number): T[] {
    this.#drop(nowMs);
    return this.#kept.slice(this.#first).map(({ item }) => item);
  }

  #drop(nowMs: number): void {
    const isOutside = ({ atMs }: Kept<T>) =>
      atMs < nowMs - this.lengthMs || this.#kept.length - this.#first > MAX_ITEMS;
    for (let kept = this.#kept[this.#first]; kept && isOutside(kept); kept = this.#kept[this.#first]) this.#first += 1;
    // Now and then, so that each item is moved about once.
    if (this.#first < MIN_COMPACTION || this.#first < this.#kept.length / 2) return;
    this.#kept.splice(0, this.#first);
    this.#first = 0;
  }
}
