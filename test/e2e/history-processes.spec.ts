// History of real processes: exact although the one that writes it is killed, and away from nothing else while its database is unavailable.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import Database from 'libsql';
import { eventually } from '../eventually.js';
import { newDatabase, openStore } from '../history/databases.js';
import { PostgresServer } from '../history/postgres-server.js';
import { closeOnce } from '../leftovers.js';
import { lengthOf } from '../length.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { ServiceProcess } from './process.js';
import { SEED, type Service, startService } from './service.js';

const PARTICIPANTS = lengthOf(300, 3_640);
const KILLS = lengthOf(1, 3);
const AT_ONCE = 32;
const START_MS = Date.now() - 60_000;

/** One connection with an interruption, and another one that only every second participant has ended. */
const LIFE = [
  ['onConnect', 0],
  ['onDisconnect', 1_000],
  ['onConnect', 2_000],
  ['onLeave', 3_000],
  ['onConnect', 10_000],
  ['onLeave', 11_000],
] as const;

let service: Service | undefined;
let nodes: ServiceProcess[] = [];
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.end('SIGKILL')));
  await service?.stop();
  nodes = [];
  service = undefined;
});

/** In an order in which each event of a participant may come at any time. */
function callbacks(): object[] {
  const all = Array.from({ length: PARTICIPANTS }, (_, n) => {
    const life = n % 2 === 0 ? LIFE : LIFE.slice(0, -1);
    return life.map(([event, afterMs]) => ({ ...SEED, event, participantId: `p${n}`, timestamp: START_MS + afterMs }));
  }).flat();
  return all
    .map((one, n) => ({ one, place: (n * 7_919) % all.length }))
    .sort((a, b) => a.place - b.place)
    .map(({ one }) => one);
}

function expectedRows() {
  const common = { connected_at_ms: START_MS, started_at_ms: START_MS, number: 0 };
  const first = { ...common, ended_at_ms: START_MS + 3_000, cause: 'left', interruptions: 1 };
  return Array.from({ length: PARTICIPANTS }, (_, n) => {
    const second = {
      connected_at_ms: START_MS + 10_000,
      started_at_ms: START_MS + 10_000,
      number: 1,
      interruptions: 0,
    };
    const end = n % 2 === 0 ? { ended_at_ms: START_MS + 11_000, cause: 'left' } : { ended_at_ms: null, cause: null };
    return [first, { ...second, ...end }].map((row) => ({ participant_id: `p${n}`, ...row }));
  }).flat();
}

/** undefined: nobody writes at the moment. */
async function writingNode(): Promise<ServiceProcess | undefined> {
  for (const node of nodes) {
    const response = await fetch(`${node.url}/metrics`).catch(() => undefined);
    const text = (await response?.text()) ?? '';
    if (/^rollcall_history_read_until_timestamp_seconds \d/m.test(text)) return node;
  }
  return undefined;
}

interface Setup {
  readonly settings: Readonly<Record<string, string>>;
  readonly rows: () => Promise<Row[]>;
}

const COLUMNS = [
  'participant_id',
  'number',
  'connected_at_ms',
  'started_at_ms',
  'ended_at_ms',
  'cause',
  'interruptions',
] as const;
type Row = ReturnType<typeof expectedRows>[number];

async function onSqlite(): Promise<Setup> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-history-'));
  closeOnce(() => rmSync(folder, { recursive: true, force: true }));
  const rows = async () => {
    const db = new Database(join(folder, 'history.db'), { readonly: true });
    try {
      return db.prepare(`SELECT ${COLUMNS.join()} FROM connections`).all() as Row[];
    } finally {
      db.close();
    }
  };
  return { settings: { DATA_DIR: folder }, rows };
}

async function onPostgres(): Promise<Setup> {
  const redis = await RedisServer.start();
  const place = await newDatabase();
  const store = await openStore(place);
  const rows = async () =>
    store.use(({ db }) => db.selectFrom('connections').select(COLUMNS).execute()) as Promise<Row[]>;
  return { settings: { REDIS_URL: redis.url, DATABASE_URL: (place as { databaseUrl: string }).databaseUrl }, rows };
}

function sorted(rows: readonly Row[]): Row[] {
  const textOf = ({ participant_id, number }: Row) => `${participant_id} ${number}`;
  return rows.map((row) => ({ ...row })).sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
}

it.each([
  ['one process on SQLite', 1, onSqlite],
  ['two processes on Redis and PostgreSQL', 2, onPostgres],
] as const)(
  'is exact after the process that writes it was killed under load: %s',
  async (_, count, setUp) => {
    const { settings, rows } = await setUp();
    const all = { ...settings, AUTH: 'off', GRACE_MS: '600000' };
    const startNode = async () => void nodes.push(await ServiceProcess.start(all));
    await Promise.all(Array.from({ length: count }, startNode));
    await eventually(async () => expect(await writingNode()).toBeDefined());

    const waiting = callbacks();
    const total = waiting.length;
    let turn = 0;
    // The provider repeats what was not answered.
    const post = (body: object) =>
      eventually(async () => {
        turn += 1;
        const response = await nodes[turn % nodes.length]?.post('/callbacks/bandwidth', body);
        expect(response?.status).toBe(204);
      });
    const sender = async () => {
      for (let body = waiting.pop(); body; body = waiting.pop()) await post(body);
    };
    const sending = Promise.all(Array.from({ length: AT_ONCE }, sender));
    for (let kill = 1; kill <= KILLS; kill += 1) {
      await eventually(() => expect(waiting.length).toBeLessThan(total - (total * kill) / (KILLS + 1)));
      await eventually(async () => {
        const writing = await writingNode();
        expect(writing).toBeDefined();
        nodes = nodes.filter((node) => node !== writing);
        await writing?.end('SIGKILL');
      });
      await startNode();
    }
    await sending;

    await eventually(async () => expect(sorted(await rows())).toEqual(sorted(expectedRows())), 120_000);
  },
  600_000,
);

it('is unavailable alone while PostgreSQL is, and continues', async () => {
  const [redis, postgres] = [await RedisServer.start(), await PostgresServer.start()];
  service = await startService({ redisUrl: redis.url, history: { databaseUrl: postgres.url } });
  const { callback, request } = service;
  const sent = (participantId: string) => callback({ participantId, timestamp: String(START_MS) });
  const present = async () => {
    const { status, json } = await request('/v1/connections?order=oldest');
    return [status, json.items?.map((one: { participantId: string }) => one.participantId)];
  };
  await sent('before');
  await eventually(async () => expect(await present()).toEqual([200, ['before']]));
  await postgres.interrupt();
  const at = new Date().toISOString();
  for (const path of ['connections', 'participants/before/connections', `presence?at=${at}`]) {
    expect((await request(`/v1/${path}`)).json).toMatchObject({ status: 503 });
  }
  expect((await sent('meanwhile')).status).toBe(204);
  expect((await request('/v1/participants')).json.items).toHaveLength(2);
  expect((await request('/health/ready')).status).toBe(200);
  await postgres.restart();
  await eventually(async () => expect(await present()).toEqual([200, ['before', 'meanwhile']]));
}, 120_000);
