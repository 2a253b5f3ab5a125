// Changes as server-sent events. With a thousand streams the same ones are written a thousand times: most are at the same
// place and want the same, so that what was made for one of them serves the next.
import { formatPosition } from '../../storage/feed-position.js';
import type { PlacedChange } from '../follower.js';
import { changeResponse } from './change-response.js';
import { eventText } from './event-stream.js';

interface Made {
  readonly of: readonly PlacedChange[];
  readonly text: Buffer;
}

export class ChangeTexts {
  #last: Made | undefined;

  /** All of them, one after the other. */
  of(changes: readonly PlacedChange[]): Buffer {
    if (!this.#last || !isSame(this.#last.of, changes)) {
      this.#last = { of: changes, text: Buffer.from(changes.map(changeText).join('')) };
    }
    return this.#last.text;
  }
}

function changeText({ change, position }: PlacedChange): string {
  const id = formatPosition(position);
  return eventText(change.type, id, JSON.stringify(changeResponse(change, id)));
}

/** From the same position on, the same changes have the same positions. */
function isSame(a: readonly PlacedChange[], b: readonly PlacedChange[]): boolean {
  const [first, other] = [a[0], b[0]];
  if (a.length !== b.length || !first || !other) return false;
  const areSame = a.every(({ change }, index) => change === b[index]?.change);
  return areSame && (first.position.length === 1 || formatPosition(first.position) === formatPosition(other.position));
}
