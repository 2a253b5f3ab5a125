// A map of bounded size that forgets what was set longest ago. To delete the first key of a Map for each new one takes longer the larger
// the map is, because V8 goes through the keys that were deleted before it. This one forgets half of its keys at a time instead.

export class RecentMap<Key, Value> {
  #recent = new Map<Key, Value>();
  #older = new Map<Key, Value>();

  /** The last `count` keys that were set are kept, and at most as many others. */
  constructor(private readonly count: number) {}

  get(key: Key): Value | undefined {
    return this.#recent.get(key) ?? this.#older.get(key);
  }

  set(key: Key, value: Value): void {
    if (this.#recent.size === this.count && !this.#recent.has(key)) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(key, value);
  }

  delete(key: Key): void {
    this.#recent.delete(key);
    this.#older.delete(key);
  }

  clear(): void {
    this.#recent.clear();
    this.#older.clear();
  }
}
