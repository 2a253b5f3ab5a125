import { lengthOf } from './change-size.js';
import type { PlacedChange } from './follower.js';

/** An answer ends with the change by which its changes come to this length: a thousand usual ones are half of it. */
const MAX_ANSWER_LENGTH = 1024 * 1024;

/** The changes of one answer: as many as were asked for, and no more than one answer should hold. */
export class FoundChanges {
  readonly changes: PlacedChange[] = [];
  #length = 0;

  constructor(private readonly limit: number) {}

  get isFull(): boolean {
    return this.changes.length === this.limit || this.#length >= MAX_ANSWER_LENGTH;
  }

  add(placed: PlacedChange): void {
    this.changes.push(placed);
    this.#length += lengthOf(placed.change);
  }
}
