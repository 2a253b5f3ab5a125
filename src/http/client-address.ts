// The client address of a request, for limits and the log: a parsed address, never the text of a header.
//
// One address has many spellings, and some proxies append the port of each connection, so a limit per text could be evaded.
// An IPv6 client usually controls a whole /64, so its prefix identifies the client.
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** `[2001:db8::1]`, with or without a port. */
const BRACKETED = /^\[([^\]]+)\](?::\d{1,5})?$/;
/** The maximum number of hops examined. Longer chains do not occur, and parsing them would cost time. */
const MAX_HOPS = 16;
const IPV4_WITH_PORT = /^([\d.]+):\d{1,5}$/;

export class ClientAddresses {
  readonly #trusted = new BlockList();

  /** `trustedProxies`: addresses and CIDR ranges whose X-Forwarded-For is used. */
  constructor(trustedProxies: readonly string[]) {
    for (const range of trustedProxies) {
      const [address = '', bits] = range.replace(/%[^/]*/, '').split('/');
      const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
      if (bits === undefined) this.#trusted.addAddress(address, family);
      else this.#trusted.addSubnet(address, Number(bits), family);
    }
  }

  /**
   * `203.0.113.7`, or `2001:db8::/64` for any address of that prefix; 'unknown' once the connection is closed. The client
   * is the last hop, counted from the right, that is not a trusted proxy. An entry that is not an address cannot come from
   * a proxy and ends the search at the hop before it.
   */
  of({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
    let address = parseAddress(socket.remoteAddress ?? '');
    if (!address) return 'unknown';
    const hops = String(headers['x-forwarded-for'] ?? '')
      .split(',')
      .slice(-MAX_HOPS);
    for (const hop of hops.map((text) => text.trim()).reverse()) {
      if (!this.#isTrusted(address)) break;
      if (hop === '') continue;
      const next = parseAddress(hop);
      if (!next) break;
      address = next;
    }
    return nameOf(address);
  }

  #isTrusted(address: Address): boolean {
    return this.#trusted.check(address.toString(), address.kind());
  }
}

/** Converts an IPv4-mapped IPv6 address to IPv4. undefined: not an address. */
function parseAddress(text: string): Address | undefined {
  const [, bare = text] = BRACKETED.exec(text) ?? IPV4_WITH_PORT.exec(text) ?? [];
  // ipaddr.js alone would also accept 0x7f.1 and the like.
  return isIP(bare) !== 0 && ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined;
}

function nameOf(address: Address): string {
  if (address.kind() === 'ipv4') return address.toString();
  const prefix = (address as ipaddr.IPv6).parts.slice(0, 4);
  return `${new ipaddr.IPv6([...prefix, 0, 0, 0, 0]).toRFC5952String()}/64`;
}
