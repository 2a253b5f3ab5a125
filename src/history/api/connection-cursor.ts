import { decodeCursor, isTime } from '../../http/cursor.js';
import type { ConnectionCursor } from '../connections.js';

/** Throws a problem if the cursor was not issued for this list. `list`: its filters. */
export function connectionCursor(text: string, list: string): ConnectionCursor {
  const [startedAtMs, id] = decodeCursor(text, [isTime, isTime], list);
  return { startedAtMs: Number(startedAtMs), id: Number(id) };
}
