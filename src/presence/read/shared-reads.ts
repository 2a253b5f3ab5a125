// Who asks the same at the same time is given one answer. It is read after all of them have asked, never before: of a
// question at most one is under way, and who asks it meanwhile waits for the next.

export class SharedReads<T> {
  readonly #waiting = new Map<string, Promise<T>>();
  readonly #underWay = new Map<string, Promise<unknown>>();

  /** `key` says what is asked; `read` is called for the first of those who ask it. Rejects as `read` does, for all of them. */
  ask(key: string, read: () => Promise<T>): Promise<T> {
    const shared = this.#waiting.get(key);
    if (shared) return shared;
    const begin = (): Promise<T> => {
      this.#waiting.delete(key);
      const answer = read();
      const end: Promise<void> = answer.then(
        () => this.#end(key, end),
        () => this.#end(key, end),
      );
      this.#underWay.set(key, end);
      return answer;
    };
    const turn = this.#underWay.get(key) ?? Promise.resolve();
    const answer = turn.then(begin);
    this.#waiting.set(key, answer);
    return answer;
  }

  #end(key: string, ended: Promise<unknown>): void {
    if (this.#underWay.get(key) === ended) this.#underWay.delete(key);
  }
}
