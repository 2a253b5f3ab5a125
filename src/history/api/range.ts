// The range of time of a query.
import { invalidParameter } from '../../http/problem.js';
import { parseRfc3339 } from '../../runtime/rfc3339.js';
import type { ConnectionFilter } from '../connections.js';

const MAX_RANGE_MS = 366 * 86_400_000;

/** Throws a problem if it is empty or too long. */
export function rangeOf(from: string | undefined, to: string | undefined): Pick<ConnectionFilter, 'fromMs' | 'toMs'> {
  const [fromMs, toMs] = [from, to].map((time) => (time === undefined ? undefined : parseRfc3339(time)));
  if (fromMs === undefined || toMs === undefined) return { fromMs, toMs };
  if (toMs <= fromMs) throw invalidParameter('to', 'must be later than from');
  if (toMs - fromMs > MAX_RANGE_MS) throw invalidParameter('to', 'must be at most 366 days after from');
  return { fromMs, toMs };
}
