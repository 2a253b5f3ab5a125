// The move that docs/moving.md describes: from SQLite to Redis while callbacks come in, with both services killed on the way.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { freePort } from '../free-port.js';
import { lengthOf } from '../length.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { ServiceProcess } from './process.js';
import { SEED } from './service.js';
import { Shell } from './shell.js';

const DIST = join(import.meta.dirname, '..', '..', 'dist');
const CLIENTS = 4;
/** Before each step of the move, and after the last one. */
const CALLBACKS_PER_STEP = lengthOf(100, 2_000);

let folder: string;
let redis: RedisServer;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-live-move-'));
  redis = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always');
});
afterEach(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Clients that each send the callbacks of participants of their own, one after the other, each until it is acknowledged. */
class Load {
  #acknowledged = 0;
  #isStopped = false;
  readonly #clients: Promise<void>[];

  constructor(private readonly url: string) {
    this.#clients = Array.from({ length: CLIENTS }, (_, client) => this.#run(client));
  }

  /** Resolves once so many more were acknowledged. */
  async more(count = CALLBACKS_PER_STEP): Promise<void> {
    const before = this.#acknowledged;
    await eventually(() => expect(this.#acknowledged).toBeGreaterThanOrEqual(before + count));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#clients);
  }

  async #run(client: number): Promise<void> {
    for (let n = 0; !this.#isStopped; n += 1) {
      const participantId = `p${client}-${n % 40}`;
      // Each returns with the same device: connected, interrupted, connected, gone.
      const event = ['onConnect', 'onDisconnect', 'onConnect', 'onLeave'][Math.floor(n / 40) % 4];
      await this.#send({ ...SEED, event, participantId, timestamp: String(Date.now()), tag: `tag-${n % 3}` });
      this.#acknowledged += 1;
    }
  }

  async #send(callback: object): Promise<void> {
    for (;;) {
      const headers = { 'content-type': 'application/json' };
      const sent = fetch(`${this.url}/callbacks/bandwidth`, {
        method: 'POST',
        headers,
        body: JSON.stringify(callback),
      });
      const status = await sent.then(
        (response) => response.status,
        () => 0,
      );
      if (status === 204 || status === 202) return;
      await wait(20);
    }
  }
}

async function run(program: string, args: string, settings: Record<string, string>): Promise<void> {
  const shell = Shell.run(`exec ${process.execPath} ${join(DIST, `${program}.js`)} ${args}`, settings);
  expect([await shell.ended, shell.errors]).toEqual([0, expect.any(String)]);
}

/** Without what depends on the store: versions. */
async function presenceAt(url: string): Promise<unknown> {
  const response = await fetch(`${url}/v1/participants?state=connected,reconnecting,gone&limit=1000`);
  // biome-ignore lint/suspicious/noExplicitAny: tests read it like a client
  const { items } = (await response.json()) as any;
  const ordered = items.sort((a: { participantId: string }, b: { participantId: string }) =>
    a.participantId < b.participantId ? -1 : 1,
  );
  return JSON.parse(JSON.stringify(ordered, (name, value) => (name === 'version' ? undefined : value)));
}

async function waiting(url: string): Promise<number> {
  const response = await fetch(`${url}/health/ready`);
  return ((await response.json()) as { details: { forward: { events: number } } }).details.forward.events;
}

it('a live move leaves the new service with everything that the old one has acknowledged', async () => {
  const [oldPort, newPort] = [await freePort(), await freePort()];
  const [oldUrl, newUrl] = [`http://127.0.0.1:${oldPort}`, `http://127.0.0.1:${newPort}`];
  const oldSettings = { PORT: String(oldPort), DATA_DIR: join(folder, 'old') };
  const newStore = { REDIS_URL: redis.url, REDIS_SHARDS: '4' };
  const newSettings = { PORT: String(newPort), DATA_DIR: join(folder, 'new'), ...newStore };
  const forwarding = { ...oldSettings, FORWARD_TO: newUrl };

  let old = await ServiceProcess.start(oldSettings);
  const load = new Load(oldUrl);
  await load.more();
  await old.end('SIGTERM');
  old = await ServiceProcess.start(forwarding);
  // The new service does not exist yet.
  await load.more();
  let service = await ServiceProcess.start(newSettings);
  await load.more();
  await old.end('SIGKILL');
  old = await ServiceProcess.start(forwarding);
  await load.more();
  mkdirSync(join(folder, 'copy'));
  await run('backup', `${join(folder, 'copy', 'rollcall.db')} ${oldUrl}`, { DATA_DIR: join(folder, 'old') });
  await load.more();
  const file = join(folder, 'export.jsonl');
  await run('export', `--from sqlite:${join(folder, 'copy')} ${file}`, {});
  const importing = run('import', file, newStore);
  await service.end('SIGKILL');
  await load.more();
  service = await ServiceProcess.start(newSettings);
  await importing;
  await load.more();
  await load.stop();

  await eventually(async () => expect(await waiting(oldUrl)).toBe(0));
  const presence = (await presenceAt(oldUrl)) as unknown[];
  expect(presence).toHaveLength(CLIENTS * 40);
  expect(await presenceAt(newUrl)).toEqual(presence);
  for (const ended of [old, service]) await ended.end('SIGTERM');
});
