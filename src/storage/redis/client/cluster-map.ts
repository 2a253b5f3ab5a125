// Which node of a Redis Cluster holds which slot, as far as is known.
import { askServer } from './ask-server.js';
import { type Redirect, type SlotRange, slotRangesOf } from './redirect.js';
import { formatPlace, formatPlaces, type RedisAddress, type ServerPlace } from './redis-address.js';
import { redisErrorCode } from './redis-error.js';
import { connectFault, FaultError, type RedisFault } from './redis-fault.js';

export class ClusterMap {
  readonly #address: RedisAddress;
  #ranges: readonly SlotRange[] = [];
  /** By slot: what redirects have shown since the last refresh, and what was looked up. */
  readonly #owners = new Map<number, ServerPlace>();

  constructor(address: RedisAddress) {
    this.#address = address;
  }

  get isKnown(): boolean {
    return this.#ranges.length > 0;
  }

  /** Those that hold slots. */
  get nodes(): ServerPlace[] {
    const places = [...this.#ranges.map(({ node }) => node), ...this.#owners.values()];
    return [...new Map(places.map((place) => [formatPlace(place), place])).values()];
  }

  /** undefined: no node holds the slot, or nothing is known yet. */
  nodeOf(slot: number): ServerPlace | undefined {
    const known = this.#owners.get(slot);
    if (known) return known;
    const node = this.#ranges.find(({ from, to }) => from <= slot && slot <= to)?.node;
    if (node) this.#owners.set(slot, node);
    return node;
  }

  move(slot: number, place: ServerPlace): void {
    this.#owners.set(slot, place);
  }

  redirectedTo({ host, port }: Exclude<Redirect, { kind: 'later' }>, slot: number): ServerPlace {
    return { host: host === '' || host === '?' ? hostOf(this.nodeOf(slot)) : host, port };
  }

  /**
   * Asks one node that is connected or, if none of them answers, all nodes and those of REDIS_URL at once. Rejects with FaultError.
   */
  async refresh(isConnected: (place: ServerPlace) => boolean): Promise<void> {
    const nodes = this.nodes;
    const connected = nodes.filter(isConnected);
    const one = connected[Math.floor(Math.random() * connected.length)];
    const ranges = one && (await this.#ask(one).catch(() => undefined));
    this.#ranges = ranges ?? (await this.#askAny([...nodes, ...this.#address.servers]));
    this.#owners.clear();
  }

  async #askAny(places: readonly ServerPlace[]): Promise<SlotRange[]> {
    const faults: RedisFault[] = [];
    const asked = places.map((place) =>
      this.#ask(place).catch((error: unknown) => {
        faults.push(this.#faultOf(error, place));
        throw error;
      }),
    );
    try {
      return await Promise.any(asked);
    } catch {
      const permanent = faults.find(({ isPermanent }) => isPermanent);
      throw new FaultError(permanent ?? (faults[0] as RedisFault));
    }
  }

  async #ask(place: ServerPlace): Promise<SlotRange[]> {
    const ranges = slotRangesOf(await askServer(place, this.#address, 'CLUSTER', 'SLOTS'), hostOf(place));
    if (ranges.length > 0) return ranges;
    const message = `Redis at ${formatPlace(place)} is in a cluster without any slots`;
    throw new FaultError({ kind: 'slots', message, isPermanent: false });
  }

  #faultOf(error: unknown, place: ServerPlace): RedisFault {
    const { isTls, username, database, servers } = this.#address;
    const at = `Redis at ${formatPlace(place)}`;
    if (redisErrorCode(error) === 'ERR') {
      return { kind: 'cluster', message: `${at} is not in a cluster: use redis:// in REDIS_URL`, isPermanent: true };
    }
    const fault = connectFault(error, { name: at, isTls, username, database });
    const isOneOfMany = fault.kind === 'unreachable' && servers.length > 1;
    return isOneOfMany
      ? connectFault(error, { name: `Redis at any of ${formatPlaces(servers)}`, isTls, database })
      : fault;
  }
}

function hostOf(place: ServerPlace | undefined): string {
  return place && 'host' in place ? place.host : '';
}
