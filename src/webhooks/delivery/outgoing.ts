// What is sent for a message: the body, and headers with its signature.
import type { Change } from '../../domain/change.js';
import { rfc3339 } from '../../runtime/rfc3339.js';
import { VERSION } from '../../runtime/version.js';
import { formatPosition } from '../../storage/feed-position.js';
import { type Endpoint, signingSecrets } from '../endpoint.js';
import { signatureHeaders } from '../sending/signature.js';
import { type Message, messageIdOf } from './message.js';

/** Formats a change as in the feed. */
export type FormatChange = (change: Change, position: string) => unknown;

export interface Outgoing {
  readonly id: string;
  readonly type: string;
  readonly body: string;
}

/** The same at every attempt. `isBatch`: whether the endpoint may get several changes in one request. */
export function outgoingOf(message: Message, isBatch: boolean, formatChange: FormatChange): Outgoing {
  const id = messageIdOf(message);
  const { changes, gap, event } = message;
  if (event) return outgoing(id, event.type, event.atMs, event.data);
  if (gap) {
    const data = { after: formatPosition(gap.from), position: formatPosition(gap.to) };
    return outgoing(id, 'feed.gap', gap.atMs, data);
  }
  const items = changes.map(({ change, position }) => formatChange(change, formatPosition(position)));
  const newest = changes.at(-1)?.change;
  const type = isBatch ? 'presence.batch' : String(newest?.type);
  return outgoing(id, type, newest?.receivedAtMs ?? 0, isBatch ? items : items[0]);
}

export function outgoing(id: string, type: string, atMs: number, data: unknown): Outgoing {
  return { id, type, body: JSON.stringify({ type, timestamp: rfc3339(atMs), data }) };
}

/** `nowMs`: the time of this attempt. */
export function headersOf(endpoint: Endpoint, { id, body }: Pick<Outgoing, 'id' | 'body'>, nowMs: number) {
  const message = { id, timestampS: Math.floor(nowMs / 1_000), body };
  return {
    ...endpoint.headers,
    'content-type': 'application/json',
    'user-agent': `Rollcall/${VERSION}`,
    ...signatureHeaders(message, signingSecrets(endpoint, nowMs)),
  };
}
