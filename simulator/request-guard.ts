// Decides which requests are answered. By default anyone who can reach the simulator can use it, including a developer's
// browser. A web page from elsewhere must not use the simulator through that browser: neither by DNS rebinding, where the
// page's own name resolves to the simulator's address, nor by cross-origin requests.
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { hostNameOf } from './host-name.js';

export interface Refusal {
  readonly status: 400 | 403;
  readonly message: string;
}

/** A name, an IPv4 address or an IPv6 address in brackets, and a port. */
const HOST = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d*)?$/i;
/** These change nothing, and without CORS headers a page of another origin cannot read the responses. */
const SAFE_METHODS: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS']);

export class RequestGuard {
  readonly #allowedHosts: ReadonlySet<string>;

  /** `allowedHosts`: further names, as hostNameOf returns them. localhost and IP addresses are always allowed. */
  constructor(allowedHosts: readonly string[]) {
    this.#allowedHosts = new Set(allowedHosts);
  }

  /** undefined: the request may be answered. */
  refusalOf(request: IncomingMessage): Refusal | undefined {
    // An absolute target has a host of its own, which takes precedence over the header's (RFC 9112, 3.2.2).
    if (!request.url?.startsWith('/')) return { status: 400, message: 'the request target must be a path' };
    const [host = '', ...others] = request.headersDistinct.host ?? [];
    const address = `http://${host}`;
    if (others.length > 0 || !HOST.test(host) || !URL.canParse(address)) {
      return { status: 400, message: 'the request must have one valid Host header' };
    }
    const url = new URL(address);
    const name = hostNameOf(url);
    if (!this.#isAllowed(name)) {
      const message = `host ${name} is not allowed; to allow it, start the simulator with --allowed-hosts ${name}`;
      return { status: 403, message };
    }
    if (!SAFE_METHODS.has(request.method) && isCrossOrigin(request, url)) {
      return { status: 403, message: 'requests from web pages of another origin are not allowed' };
    }
    return undefined;
  }

  /** DNS rebinding needs a domain name that an attacker controls. Nobody controls localhost (RFC 6761). */
  #isAllowed(name: string): boolean {
    return isIP(name) > 0 || name === 'localhost' || name.endsWith('.localhost') || this.#allowedHosts.has(name);
  }
}

/** Only browsers send these headers. One that does not send Sec-Fetch-Site still sends Origin with an unsafe method. */
function isCrossOrigin({ headers }: IncomingMessage, { host }: URL): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const { origin } = headers;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host;
}
