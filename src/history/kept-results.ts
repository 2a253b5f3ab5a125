// Results that are right as long as what they were computed from is the same, which its revision says. The ones that have not been used
// for the longest time are dropped first.
interface Kept<T> {
  readonly revision: number;
  readonly result: T;
  readonly size: number;
}

export class KeptResults<T> {
  readonly #kept = new Map<string, Kept<T>>();

  #size = 0;

  /** `maxSize`: of all results together. */
  constructor(private readonly maxSize: number) {}

  find(key: string, revision: number): T | undefined {
    const kept = this.#take(key);
    if (kept?.revision !== revision) return undefined;
    this.#add(key, kept);
    return kept.result;
  }

  keep(key: string, { revision, result, size }: Kept<T>): void {
    this.#take(key);
    this.#add(key, { revision, result, size });
    for (const oldest of this.#kept.keys()) {
      if (this.#size <= this.maxSize) return;
      this.#take(oldest);
    }
  }

  #add(key: string, kept: Kept<T>): void {
    this.#kept.set(key, kept);
    this.#size += kept.size;
  }

  #take(key: string): Kept<T> | undefined {
    const kept = this.#kept.get(key);
    if (kept && this.#kept.delete(key)) this.#size -= kept.size;
    return kept;
  }
}
