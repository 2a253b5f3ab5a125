// How many requests are under way, and whether any more may begin. All pass here, by whichever way they are answered, but
// those of a route that has a limit of its own.
import type { ServerResponse } from 'node:http';
import { countRequest } from '../runtime/tick-batch.js';

export class RequestGate {
  #isClosing = false;
  readonly #underWay = new Set<ServerResponse>();
  readonly #leave: (this: ServerResponse) => void;

  constructor(private readonly most: number) {
    const underWay = this.#underWay;
    // One for all of them, not one for each.
    this.#leave = function leave() {
      underWay.delete(this);
    };
  }

  /** What is under way is answered, and each answer is the last of its connection; what comes now is turned away. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  close(): void {
    this.#isClosing = true;
  }

  /**
   * Whether there is room for it; if so it is in progress until its response is complete or its connection breaks. A response
   * that waits to be read is no work any more, see held-bytes.ts.
   */
  enter(response: ServerResponse): boolean {
    countRequest();
    if (this.#underWay.size >= this.most) return false;
    // Its connection broke while its body was received: nothing would tell that it is over.
    if (response.destroyed) return true;
    this.#underWay.add(response);
    response.on('prefinish', this.#leave);
    response.on('close', this.#leave);
    return true;
  }
}
