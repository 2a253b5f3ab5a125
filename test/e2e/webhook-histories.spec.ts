// Whatever happens to the receiver and to the nodes: every change is delivered or becomes a dead letter, none is missing, the first deliveries
// are in order for each participant, and what is repeated has the same id. Tags are occupied and vacated in turns, as the feed says.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Random } from '../chaos/random.js';
import { eventually } from '../eventually.js';
import { closeOnce } from '../leftovers.js';
import { lengthOf } from '../length.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { type FeedChange, faultsOfTags, isOccupiedAtEnd } from './occupancy-fold.js';
import { ServiceProcess } from './process.js';
import { WebhookReceiver } from './webhook-receiver.js';

const CALLBACKS = lengthOf(300, 20_000);
const KILLS = lengthOf(2, 30);
/** Of the receiver. */
const OUTAGES = lengthOf(1, 30);
const PARTICIPANTS = lengthOf(12, 200);
/** Few participants have the same one, so that it is often empty. */
const TAGS = lengthOf(6, 100);
const VACATED_DELAY_MS = 200;
const EVENTS = ['onConnect', 'onDisconnect', 'onLeave'] as const;
/** Attempts at one message that may fail: it is sent again after 5 s, 30 s, 2 min, … */
const MAX_FAULTS = lengthOf(1, 3);
const HURRY_MS = 1_000;
const ENDPOINTS = '/v1/webhooks/endpoints';
const WAIT_MS = lengthOf(300_000, 1_800_000);

interface Change extends FeedChange {
  readonly version: number;
  readonly deviceId?: string;
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** The nodes, of which one may be dead at any time. */
class Nodes {
  readonly running: ServiceProcess[] = [];

  constructor(
    private readonly count: number,
    private readonly settings: Record<string, string>,
  ) {}

  async start(): Promise<void> {
    while (this.running.length < this.count) this.running.push(await ServiceProcess.start(this.settings));
  }

  async killOne(random: Random): Promise<void> {
    const [node] = this.running.splice(random.below(this.running.length), 1);
    await node?.end('SIGKILL');
    await this.start();
  }

  async post(random: Random, path: string, body: unknown): Promise<Response> {
    for (;;) {
      const node = this.running[random.below(this.running.length)];
      const response = await node?.post(path, body).catch(() => undefined);
      if (response && response.status < 500) return response;
      await wait(50);
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests read it like a client
  async get(path: string): Promise<any> {
    const response = await fetch(`${this.running[0]?.url}${path}`);
    return response.json();
  }

  async patch(path: string, body: unknown): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'PATCH', headers, body: JSON.stringify(body) };
    expect((await fetch(`${this.running[0]?.url}${path}`, init)).status).toBe(200);
  }

  async stop(): Promise<void> {
    await Promise.all(this.running.map((node) => node.end('SIGTERM')));
  }
}

/** Fails, hangs, cuts and asks for less, by chance, but each message only a few times. */
function answerByChance(receiver: WebhookReceiver, random: Random): void {
  const faults = new Map<string, number>();
  receiver.answer = (webhook, response) => {
    const count = faults.get(webhook.id) ?? 0;
    const fault = count < MAX_FAULTS ? random.below(12) : 12;
    if (fault < 5) faults.set(webhook.id, count + 1);
    switch (fault) {
      case 0:
        return void response.writeHead(500).end();
      case 1:
        return void response.writeHead(429, { 'retry-after': '1' }).end();
      case 2:
        return void response.destroy();
      case 3:
        // It was processed, but the answer is lost.
        webhook.isTaken = true;
        return void response.destroy();
      case 4:
        return void setTimeout(() => response.destroy(), 300);
      default:
        webhook.isTaken = true;
        return void response.writeHead(204).end();
    }
  };
}

async function changesOf(nodes: Nodes, after: string): Promise<Change[]> {
  const all = [];
  for (let position = after; ; ) {
    const page = await nodes.get(`/v1/changes?after=${position}&limit=1000`);
    if (page.items.length === 0) return all;
    all.push(...page.items);
    position = page.position;
  }
}

const keyOf = (change: Pick<Change, 'participantId' | 'version' | 'type' | 'deviceId'>) =>
  [change.participantId, change.version, change.type, change.deviceId].join();

describe.each([
  ['two nodes on Redis', 1],
  ['two nodes on Redis, in batches', 20],
  ['one node on SQLite', 1],
] as const)('webhooks of %s', (name, batch) => {
  it(
    'tell of everything, in order, although the receiver fails and nodes are killed',
    async () => {
      const random = new Random(Number(process.env.SEED ?? 7));
      const [receiver, tagReceiver] = [await WebhookReceiver.start(), await WebhookReceiver.start()];
      const dataDir = mkdtempSync(join(tmpdir(), 'rollcall-histories-'));
      const removeFolder = closeOnce(() => rmSync(dataDir, { recursive: true, force: true }));
      const redis = name.includes('Redis') ? await RedisServer.start() : undefined;
      const nodes = new Nodes(redis ? 2 : 1, {
        DATA_DIR: dataDir,
        WEBHOOK_ALLOW_HTTP: 'on',
        WEBHOOK_ALLOWED_NETWORKS: '127.0.0.1',
        RATE_LIMIT_PER_MINUTE: '1000000',
        VACATED_DELAY_MS: String(VACATED_DELAY_MS),
        ...(redis && { REDIS_URL: redis.url, SPOOL_MAX_BYTES: '0' }),
      });
      closing.push(
        removeFolder,
        () => redis?.stop(),
        () => receiver.stop(),
        () => tagReceiver.stop(),
        () => nodes.stop(),
      );
      await nodes.start();
      const begin = (await nodes.get('/v1/changes')).position;
      const response = await nodes.post(random, ENDPOINTS, { url: receiver.url, batch });
      const made = (await response.json()) as { readonly id: string; readonly secret: string };
      receiver.secrets = [made.secret];
      answerByChance(receiver, random);
      const types = ['tag.occupied', 'tag.vacated'];
      const tagEndpoint = await nodes.post(random, ENDPOINTS, { url: tagReceiver.url, types });
      const { id: tagEndpointId } = (await tagEndpoint.json()) as { readonly id: string };
      answerByChance(tagReceiver, random);
      for (let n = 0; n < CALLBACKS; n += 1) {
        const number = random.below(PARTICIPANTS);
        const event = EVENTS[random.below(EVENTS.length)];
        const timestamp = String(Date.now());
        const participant = { participantId: `p${number}`, deviceId: 'd', tag: `t${number % TAGS}` };
        await nodes.post(random, '/callbacks/bandwidth', { ...participant, event, timestamp });
        if (n % Math.ceil(CALLBACKS / KILLS) === 40) await nodes.killOne(random);
        if (n % Math.ceil(CALLBACKS / OUTAGES) === 80) {
          receiver.goAway();
          setTimeout(() => void receiver.comeBack(), 500);
        }
      }
      // What has failed is sent again at once, time after time: by themselves, all changes of a participant would take hours.
      let patches = 0;
      const hurry = setInterval(() => {
        patches += 1;
        for (const id of [made.id, tagEndpointId]) {
          nodes.patch(`${ENDPOINTS}/${id}`, { description: `change ${patches}` }).catch(() => {});
        }
      }, HURRY_MS);
      closing.push(() => clearInterval(hurry));
      const told = () =>
        receiver.taken.flatMap(({ id, data }) =>
          (batch > 1 ? data : [data]).map((change: object) => ({ id, ...change })),
        );
      await eventually(async () => {
        const changes = await changesOf(nodes, begin);
        const letters = (await nodes.get(`${ENDPOINTS}/${made.id}/dead-letters`)).items;
        expect(letters).toEqual([]);
        const taken = new Set(told().map(keyOf));
        expect(changes.map(keyOf).filter((key) => !taken.has(key))).toEqual([]);
        expect(taken.size).toBe(new Set(changes.map(keyOf)).size);
      }, WAIT_MS);
      const changes = await changesOf(nodes, begin);
      expect(changes.length).toBeGreaterThan(CALLBACKS / 10);
      const idOf = new Map<string, string>();
      const first: Record<string, string[]> = {};
      for (const change of told()) {
        const key = keyOf(change);
        if (!idOf.has(key)) first[change.participantId] = [...(first[change.participantId] ?? []), key];
        expect([key, idOf.get(key) ?? change.id]).toEqual([key, change.id]);
        idOf.set(key, change.id);
      }
      for (const [participantId, keys] of Object.entries(first)) {
        expect(keys).toEqual(changes.filter((change) => change.participantId === participantId).map(keyOf));
      }
      expect(receiver.faults).toEqual([]);
      await eventually(async () => {
        const all = await changesOf(nodes, begin);
        const events = tagReceiver.takenOnce();
        const isOccupied = new Map(events.map(({ type, data }) => [data.tag, type === 'tag.occupied']));
        expect(isOccupied).toEqual(isOccupiedAtEnd(all));
      }, WAIT_MS);
      const events = tagReceiver.takenOnce().map(({ data }) => data);
      expect(events.some(({ type }) => type === 'tag.vacated')).toBe(true);
      expect(faultsOfTags(events, await changesOf(nodes, begin))).toEqual([]);
    },
    WAIT_MS * 2,
  );
});
