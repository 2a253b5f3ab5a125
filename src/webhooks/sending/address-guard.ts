// Which addresses webhooks may be sent to. A URL is chosen by whoever may configure endpoints, so that without this guard it could
// reach services that trust the network of this process, such as the metadata of a cloud.
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Answers the metadata and agents of virtual machines in Azure, and is a public address otherwise. */
const AZURE_PLATFORM = '168.63.129.16';
/** All that is global unicast: https://www.iana.org/assignments/ipv6-address-space */
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3');
/** Those that can be connected to but are reserved for servers of the system; and 0, which is none. */
const MIN_PORT = 1_024;
const LOW_PORTS: readonly number[] = [80, 443];

type Network = ReturnType<typeof ipaddr.parseCIDR>;

/** This service itself. */
interface OwnAddresses {
  readonly publicUrl: string | undefined;
  /** Of this process; undefined while it does not listen. */
  readonly port: () => number | undefined;
  /** The addresses of this machine. */
  readonly addresses: () => readonly string[];
}

export interface GuardSettings {
  readonly isHttpAllowed: boolean;
  /** Addresses or CIDR ranges. */
  readonly allowedNetworks: readonly string[];
  readonly own: OwnAddresses;
}

export class AddressGuard {
  readonly #allowed: readonly Network[];

  constructor(private readonly settings: GuardSettings) {
    this.#allowed = settings.allowedNetworks.map(toNetwork);
  }

  /** What is wrong with the URL, phrased to follow its name. Names are not resolved: `addressFault` judges their addresses. */
  urlFault(text: string): string | undefined {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (!url) return 'must be a URL like https://backend.example.com/presence';
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must be an https URL';
    if (url.protocol === 'http:' && !this.settings.isHttpAllowed) return 'must be an https URL (WEBHOOK_ALLOW_HTTP)';
    if (url.username !== '' || url.password !== '') return 'must not have a user or password: use headers';
    if (url.hash !== '') return 'must not have a fragment';
    const { publicUrl } = this.settings.own;
    if (publicUrl !== undefined && new URL(publicUrl).host === url.host) return 'must not be the URL of this service';
    const port = portOf(url);
    if (port < MIN_PORT && !LOW_PORTS.includes(port)) return 'must not have a port below 1024 except 80 and 443';
    // The parser has written every spelling of an IPv4 address as four decimal numbers.
    const host = hostOf(url);
    return isIP(host) === 0 ? undefined : this.addressFault(host, port);
  }

  /** What is wrong with an address that the URL names or that its name has, phrased to follow `url`. */
  addressFault(address: string, port: number): string | undefined {
    if (!ipaddr.isValid(address)) return 'must have a valid address';
    const { port: ownPort, addresses } = this.settings.own;
    const parsed = ipaddr.parse(address);
    if (port === ownPort() && (isThisMachine(parsed) || addresses().includes(parsed.toString()))) {
      return 'must not be the address of this service';
    }
    if (this.#allowed.some((network) => isIn(parsed, network))) return undefined;
    return isPublic(parsed) ? undefined : 'must not have a private or reserved address (WEBHOOK_ALLOWED_NETWORKS)';
  }
}

export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

/** Without the brackets of an IPv6 address. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  // Includes addresses that stand for another one: NAT64, 6to4, Teredo and IPv4-mapped ones.
  if (address.range() !== 'unicast' || address.toString() === AZURE_PLATFORM) return false;
  return address.kind() === 'ipv4' || isIn(address, GLOBAL_IPV6);
}

function isThisMachine(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return address.range() === 'loopback' || address.range() === 'unspecified';
}

function isIn(address: ipaddr.IPv4 | ipaddr.IPv6, [network, bits]: Network): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

function toNetwork(text: string): Network {
  if (text.includes('/')) return ipaddr.parseCIDR(text);
  const address = ipaddr.parse(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128] as Network;
}
