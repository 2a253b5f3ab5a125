// The tags that are occupied, as it was told: a tag that is seen empty is still among them until it has been empty for the delay.
// So of each tag `tag.occupied` and `tag.vacated` alternate. No I/O and no clock.

const OCCUPIED = 0;

export class TagStates {
  /** By tag: since when it is seen empty, or OCCUPIED. */
  readonly #tags: Map<string, number>;
  /** Those seen empty. */
  readonly #empty: Map<string, number>;
  readonly #changed = new Set<string>();

  constructor(tags: ReadonlyMap<string, number> = new Map()) {
    this.#tags = new Map(tags);
    this.#empty = new Map([...tags].filter(([, sinceMs]) => sinceMs !== OCCUPIED));
  }

  get size(): number {
    return this.#tags.size;
  }

  /** Those not seen empty. */
  get occupied(): string[] {
    return [...this.#tags.keys()].filter((tag) => !this.#empty.has(tag));
  }

  get empty(): string[] {
    return [...this.#empty.keys()];
  }

  get all(): Iterable<string> {
    return this.#tags.keys();
  }

  /** Somebody is present. Returns whether that must be told. */
  present(tag: string): boolean {
    const before = this.#tags.get(tag);
    if (before === OCCUPIED) return false;
    this.#tags.set(tag, OCCUPIED);
    this.#empty.delete(tag);
    this.#changed.add(tag);
    return before === undefined;
  }

  /** The count was 0, at a time when or after it was read. */
  countedEmpty(tag: string, atMs: number): void {
    if (this.#tags.get(tag) !== OCCUPIED) return;
    this.#tags.set(tag, atMs);
    this.#empty.set(tag, atMs);
    this.#changed.add(tag);
  }

  /** Forgets since when a tag was empty: somebody may have been there meanwhile. */
  doubtEmpty(tag: string): void {
    if (!this.#empty.delete(tag)) return;
    this.#tags.set(tag, OCCUPIED);
    this.#changed.add(tag);
  }

  /** Whether `vacateEmptySince` has any. */
  hasEmptySince(timeMs: number): boolean {
    for (const sinceMs of this.#empty.values()) if (sinceMs <= timeMs) return true;
    return false;
  }

  /** Forgets and returns the tags that are empty since this time or earlier. */
  vacateEmptySince(timeMs: number): { readonly tag: string; readonly sinceMs: number }[] {
    const vacated = [...this.#empty].filter(([, sinceMs]) => sinceMs <= timeMs);
    for (const [tag] of vacated) this.forget(tag);
    return vacated.map(([tag, sinceMs]) => ({ tag, sinceMs }));
  }

  forget(tag: string): void {
    this.#tags.delete(tag);
    this.#empty.delete(tag);
    this.#changed.add(tag);
  }

  /** What has changed since the last call: as in OccupancyUpdate. */
  takeChanged(): Map<string, number | null> {
    const changed = new Map([...this.#changed].map((tag) => [tag, this.#tags.get(tag) ?? null] as const));
    this.#changed.clear();
    return changed;
  }
}
