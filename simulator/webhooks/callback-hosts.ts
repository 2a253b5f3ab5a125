// The hosts to which webhooks may be sent: loopback, and hosts that the operator named. Anyone who can reach the simulator
// can choose a participant's callbackUrl, and must not be able to send requests into its network (SSRF).
import { BlockList, isIPv6 } from 'node:net';
import { hostNameOf } from '../host-name.js';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

export class CallbackHosts {
  readonly #named: ReadonlySet<string>;

  /** `named`: as hostNameOf returns them. */
  constructor(named: readonly string[]) {
    this.#named = new Set(named);
  }

  static of(urls: readonly string[]): CallbackHosts {
    return new CallbackHosts(urls.map((url) => hostNameOf(new URL(url))));
  }

  /**
   * Why webhooks may not be sent there; undefined if they may. Except localhost, no name counts as loopback, whatever it
   * resolves to. `member`: the name of the URL in the request.
   */
  refusalOf(callbackUrl: string, member = 'callbackUrl'): string | undefined {
    if (!URL.canParse(callbackUrl)) return `${member} must be a URL`;
    const name = hostNameOf(new URL(callbackUrl));
    if (this.#named.has(name) || name === 'localhost' || isLoopback(name)) return undefined;
    return `${member} must have a host on loopback; to send webhooks to ${name}, start the simulator with --callback-hosts ${name}`;
  }
}

function isLoopback(name: string): boolean {
  return LOOPBACK.check(name, isIPv6(name) ? 'ipv6' : 'ipv4');
}
