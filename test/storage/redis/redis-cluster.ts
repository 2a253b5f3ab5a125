// A real Redis Cluster for tests: three primaries with a third of the slots and a replica each.
import type { Redis } from 'ioredis';
import { startCluster } from '../../../scripts/redis/cluster.mjs';
import { eventually } from '../../eventually.js';
import { closeOnce } from '../../leftovers.js';
import type { RedisServer } from './redis-server.js';
import { TcpProxy } from './tcp-proxy.js';

export class RedisCluster {
  private constructor(
    /** The primaries, then their replicas in the same order. */
    readonly nodes: readonly RedisServer[],
    /** One for each node, for commands to that node alone. */
    readonly admins: readonly Redis[],
    readonly url: string,
    readonly stop: () => Promise<void>,
    /** Only of `startBehindProxies`: one for each node. */
    readonly proxies: readonly TcpProxy[] = [],
  ) {}

  /** `settings`: of each node. */
  static async start(...settings: string[]): Promise<RedisCluster> {
    const { nodes, admins, url, stop } = await startCluster({ settings });
    return new RedisCluster(nodes, admins, url, closeOnce(stop));
  }

  /**
   * Clients and replicas reach the nodes through proxies. What nodes say to each other does not pass through them, so a node that
   * is cut off is not replaced.
   */
  static async startBehindProxies(...settings: string[]): Promise<RedisCluster> {
    const { nodes, admins, stop } = await startCluster({ settings });
    const proxies = await Promise.all(nodes.map(({ port }) => TcpProxy.start(port)));
    const stopAll = closeOnce(async () => {
      await Promise.all(proxies.map((proxy) => proxy.stop()));
      await stop();
    });
    const url = `redis+cluster://${proxies.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
    const cluster = new RedisCluster(nodes, admins, url, stopAll, proxies);
    await cluster.#announceProxies();
    return cluster;
  }

  /** The index of the node that holds the slot, as far as a node that runs knows. */
  async ownerOf(slot: number): Promise<number> {
    const reply = await Promise.any(this.admins.map((admin) => admin.cluster('SLOTS')));
    const range = (reply as unknown as [number, number, [string, number]][]).find(
      ([from, to]) => from <= slot && slot <= to,
    );
    const ports = (this.proxies.length > 0 ? this.proxies : this.nodes).map(({ port }) => port);
    return ports.indexOf(range?.[2][1] ?? 0);
  }

  async idOf(node: number): Promise<string> {
    return String(await this.admin(node).cluster('MYID'));
  }

  async isPrimary(node: number): Promise<boolean> {
    return (await this.admin(node).info('replication')).includes('role:master');
  }

  /** Moves a slot as redis-cli does. `between` is called while its keys are in two places. */
  async moveSlot(slot: number, from: number, to: number, between: () => Promise<void>): Promise<void> {
    await this.beginMove(slot, from, to);
    const keys = await this.#keysIn(slot, from);
    await this.#migrate(keys.slice(0, keys.length / 2), from, to);
    await between();
    await this.moveKeys(slot, from, to);
    await this.endMove(slot, from, to);
  }

  async beginMove(slot: number, from: number, to: number): Promise<void> {
    await this.admin(to).cluster('SETSLOT', slot, 'IMPORTING', await this.idOf(from));
    await this.admin(from).cluster('SETSLOT', slot, 'MIGRATING', await this.idOf(to));
  }

  async endMove(slot: number, from: number, to: number): Promise<void> {
    const id = await this.idOf(to);
    for (const node of [to, from]) await this.admin(node).cluster('SETSLOT', slot, 'NODE', id);
  }

  /** Moves all keys of a slot that is being moved. */
  async moveKeys(slot: number, from: number, to: number): Promise<void> {
    for (let keys = await this.#keysIn(slot, from); keys.length > 0; keys = await this.#keysIn(slot, from)) {
      await this.#migrate(keys, from, to);
    }
  }

  async #keysIn(slot: number, node: number): Promise<string[]> {
    return (await this.admin(node).cluster('GETKEYSINSLOT', slot, 1_000)) as string[];
  }

  async #migrate(keys: readonly string[], from: number, to: number): Promise<void> {
    const { port = 0 } = this.nodes[to] ?? {};
    await this.admin(from).call('MIGRATE', '127.0.0.1', port, '', 0, 5_000, 'KEYS', ...keys);
  }

  /** Resolves once all slots are held by nodes that run, and all nodes agree. */
  async isComplete(): Promise<void> {
    await eventually(async () => {
      for (const admin of this.admins) expectMatch(String(await admin.cluster('INFO')), /cluster_state:ok/);
    });
  }

  /** Resolves once all nodes know it, and the replicas use it. */
  async #announceProxies(): Promise<void> {
    const ports = this.proxies.map(({ port }) => port);
    for (const [n, admin] of this.admins.entries()) await admin.config('SET', 'cluster-announce-port', ports[n] ?? 0);
    await eventually(async () => {
      for (const admin of this.admins) {
        const slots = (await admin.cluster('SLOTS')) as unknown as [number, number, ...[string, number][]][];
        const announced = slots.flatMap(([, , ...nodes]) => nodes.map(([, port]) => port));
        if (announced.length < ports.length || announced.some((port) => !ports.includes(port))) {
          throw new Error('a node does not know all proxies yet');
        }
        const info = await admin.info('replication');
        if (info.includes('role:slave')) expectMatch(info, /master_link_status:up/);
      }
    });
  }

  /** The connection to one node. */
  admin(node: number): Redis {
    return this.admins[node] as Redis;
  }
}

function expectMatch(text: string, expected: RegExp): void {
  if (!expected.test(text)) throw new Error(`there is no ${expected} in ${text}`);
}
