// A real Redis Cluster for tests: three primaries with a third of the slots and a replica each.
import { Redis } from 'ioredis';
import { eventually } from '../../eventually.js';
import { freePort } from '../../free-port.js';
import { closeOnce } from '../../leftovers.js';
import { RedisServer } from './redis-server.js';

const SLOTS = 16_384;
const PRIMARIES = 3;
/** So that a failover takes about as long as the tests wait for other things. */
const NODE_TIMEOUT_MS = 1_000;
const FAST_REPLICATION = ['--repl-diskless-sync-delay', '0'];

export class RedisCluster {
  readonly stop = closeOnce(async () => {
    for (const admin of this.admins) admin.disconnect();
    await Promise.all(this.nodes.map((node) => node.stop()));
  });

  private constructor(
    /** The primaries, then their replicas in the same order. */
    readonly nodes: readonly RedisServer[],
    /** One for each node, for commands to that node alone. */
    readonly admins: readonly Redis[],
  ) {}

  /** `settings`: of each node. */
  static async start(...settings: string[]): Promise<RedisCluster> {
    const nodes: RedisServer[] = [];
    for (let n = 0; n < 2 * PRIMARIES; n += 1) nodes.push(await startNode(settings));
    const admins = nodes.map(({ port }) => {
      const admin = new Redis({ host: '127.0.0.1', port, protocol: 2, maxRetriesPerRequest: null });
      admin.on('error', () => {});
      return admin;
    });
    const cluster = new RedisCluster(nodes, admins);
    await cluster.#connect();
    return cluster;
  }

  get url(): string {
    return `redis+cluster://${this.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  /** The index of the node that holds the slot, as far as a node that runs knows. */
  async ownerOf(slot: number): Promise<number> {
    const reply = await Promise.any(this.admins.map((admin) => admin.cluster('SLOTS')));
    const range = (reply as unknown as [number, number, [string, number]][]).find(
      ([from, to]) => from <= slot && slot <= to,
    );
    return this.nodes.findIndex(({ port }) => port === range?.[2][1]);
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

  /** The connection to one node. */
  admin(node: number): Redis {
    return this.admins[node] as Redis;
  }

  async #connect(): Promise<void> {
    const share = Math.ceil(SLOTS / PRIMARIES);
    await Promise.all(
      this.admins.map(async (admin, n) => {
        await admin.cluster('SET-CONFIG-EPOCH', n + 1);
        const slots = Array.from({ length: SLOTS }, (_, slot) => slot).slice(n * share, (n + 1) * share);
        if (n < PRIMARIES) await admin.cluster('ADDSLOTS', ...slots);
      }),
    );
    for (const { port } of this.nodes.slice(1)) await this.admin(0).cluster('MEET', '127.0.0.1', port);
    const ids = await Promise.all(this.nodes.map((_, node) => this.idOf(node)));
    await Promise.all(
      this.admins.slice(PRIMARIES).map((admin, n) =>
        eventually(async () => {
          await admin.call('CLUSTER', 'REPLICATE', String(ids[n]));
          expectMatch(await admin.info('replication'), /master_link_status:up/);
        }),
      ),
    );
    await eventually(async () => {
      for (const admin of this.admins) {
        const slots = (await admin.cluster('SLOTS')) as unknown[][];
        const isComplete = slots.length === PRIMARIES && slots.every(({ length }) => length === 4);
        if (!isComplete) throw new Error('a node does not know all others yet');
        expectMatch(String(await admin.cluster('INFO')), /cluster_state:ok/);
      }
    });
  }
}

function startNode(settings: readonly string[]): Promise<RedisServer> {
  const cluster = ['--cluster-enabled', 'yes', '--cluster-node-timeout', String(NODE_TIMEOUT_MS)];
  return portForNode().then((port) => RedisServer.startAt(port, [...cluster, ...FAST_REPLICATION, ...settings]));
}

/** Nodes talk to each other at a port that is 10,000 higher. */
async function portForNode(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port < 55_000) return port;
  }
}

function expectMatch(text: string, expected: RegExp): void {
  if (!expected.test(text)) throw new Error(`there is no ${expected} in ${text}`);
}
