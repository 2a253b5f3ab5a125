// Concurrent callers with the same query share one read. It starts after all of them have called, so that none gets stale
// data: at most one read per key is in flight, and calls made meanwhile share the next one.

export class SharedReads<T> {
  readonly #waiting = new Map<string, Promise<T>>();
  readonly #inFlight = new Map<string, Promise<unknown>>();

  /** `key` identifies the query. Only the first caller's `load` is called; all of them get its result or error. */
  read(key: string, load: () => Promise<T>): Promise<T> {
    const shared = this.#waiting.get(key);
    if (shared) return shared;
    const start = (): Promise<T> => {
      this.#waiting.delete(key);
      const result = load();
      const end: Promise<void> = result.then(
        () => this.#end(key, end),
        () => this.#end(key, end),
      );
      this.#inFlight.set(key, end);
      return result;
    };
    const previous = this.#inFlight.get(key) ?? Promise.resolve();
    const result = previous.then(start);
    this.#waiting.set(key, result);
    return result;
  }

  #end(key: string, ended: Promise<unknown>): void {
    if (this.#inFlight.get(key) === ended) this.#inFlight.delete(key);
  }
}
