// Encodes changes as server-sent events. With a thousand streams, the same changes are sent a thousand times: most streams
// are at the same position with the same filter, so the last result is reused.
import { formatPosition } from '../../storage/feed-position.js';
import type { PositionedChange } from '../follower.js';
import { changeResponse } from './change-response.js';
import { formatEvent } from './event-stream.js';

interface Encoded {
  readonly changes: readonly PositionedChange[];
  readonly text: Buffer;
}

export class ChangeEncoder {
  #last: Encoded | undefined;

  encode(changes: readonly PositionedChange[]): Buffer {
    if (!this.#last || !isSame(this.#last.changes, changes)) {
      this.#last = { changes, text: Buffer.from(changes.map(encodeChange).join('')) };
    }
    return this.#last.text;
  }
}

function encodeChange({ change, position }: PositionedChange): string {
  const id = formatPosition(position);
  return formatEvent(change.type, id, JSON.stringify(changeResponse(change, id)));
}

/** Equal changes that start at the same position also have the same positions. */
function isSame(a: readonly PositionedChange[], b: readonly PositionedChange[]): boolean {
  const [first, other] = [a[0], b[0]];
  if (a.length !== b.length || !first || !other) return false;
  const areSame = a.every(({ change }, index) => change === b[index]?.change);
  return areSame && (first.position.length === 1 || formatPosition(first.position) === formatPosition(other.position));
}
