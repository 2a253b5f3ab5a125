// What a node of a cluster answers instead of executing a command, because it does not hold the slot, or not all of it.

import type { ServerPlace } from './redis-address.js';
import { redisErrorCode, replyError } from './redis-error.js';

/** `moved`: the slot is elsewhere. `ask`: only the keys of this command are. `later`: the keys are being moved. */
export type Redirect =
  | { readonly kind: 'moved' | 'ask'; readonly host: string; readonly port: number }
  | { readonly kind: 'later' };

/** undefined: the error is not a redirect. `host`: '' means the host of the node that answered. */
export function redirectOf(error: unknown): Redirect | undefined {
  const code = redisErrorCode(error);
  if (code === 'TRYAGAIN') return { kind: 'later' };
  if (code !== 'MOVED' && code !== 'ASK') return undefined;
  const [, host = '', port = ''] = /(?:MOVED|ASK) \d+ (\S*):(\d+)/.exec(replyError(error)?.message ?? '') ?? [];
  return { kind: code === 'ASK' ? 'ask' : 'moved', host, port: Number(port) };
}

/** Which node holds which slots. */
export interface SlotRange {
  readonly from: number;
  readonly to: number;
  readonly node: Extract<ServerPlace, { host: string }>;
}

/** `reply`: to CLUSTER SLOTS. `askedHost`: a node that does not know its own address leaves it out. */
export function slotRangesOf(reply: unknown, askedHost: string): SlotRange[] {
  return (reply as [number, number, [string | null, number, ...unknown[]]][]).map(([from, to, [host, port]]) => {
    const isKnown = host !== null && host !== '' && host !== '?';
    return { from: Number(from), to: Number(to), node: { host: isKnown ? host : askedHost, port: Number(port) } };
  });
}
