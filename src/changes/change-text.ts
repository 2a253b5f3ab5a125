// A change as a server-sent event. With a thousand streams the same change is written a thousand times, and only its
// position may differ from one to another: the rest is made once.
import type { Change } from '../presence/domain/change.js';
import { formatPosition } from '../presence/feed-position.js';
import { changeAnswer } from './change-answer.js';
import type { PlacedChange } from './follower.js';

const texts = new WeakMap<Change, string>();

export function changeText({ change, position }: PlacedChange, id = formatPosition(position)): string {
  let text = texts.get(change);
  if (text === undefined) {
    // The position is its last member: what is left off is `"}`.
    text = `\nevent: ${change.type}\ndata: ${JSON.stringify(changeAnswer(change, '')).slice(0, -2)}`;
    texts.set(change, text);
  }
  return `id: ${id}${text}${id}"}\n\n`;
}
