import { lengthOf } from './change-size.js';
import type { PositionedChange } from './follower.js';

/** A response ends with the change that brings it to this length, about two thousand typical changes. */
const MAX_RESPONSE_LENGTH = 1024 * 1024;

/** The changes of one response, limited in number and total length. */
export class ChangeBatch {
  readonly changes: PositionedChange[] = [];
  #length = 0;

  constructor(private readonly limit: number) {}

  get isFull(): boolean {
    return this.changes.length === this.limit || this.#length >= MAX_RESPONSE_LENGTH;
  }

  add(placed: PositionedChange): void {
    this.changes.push(placed);
    this.#length += lengthOf(placed.change);
  }
}
