// The rule of a typical hand-written receiver: the last callback received wins.

export class NaivePresence {
  #present = new Set();

  get present() {
    return [...this.#present];
  }

  /** `body`: of a callback. Returns the resulting change, if any. */
  receive({ event, participantId }) {
    if (event !== 'onConnect') return this.#present.delete(participantId) ? 'gone' : undefined;
    if (this.#present.has(participantId)) return undefined;
    this.#present.add(participantId);
    return 'came';
  }
}
