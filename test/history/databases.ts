// Empty databases of history for tests: of SQLite, and of PostgreSQL, of which one server runs for each file of tests.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import type { HistoryPlace } from '../../src/history/history-store.js';
import { HistoryStore } from '../../src/history/history-store.js';
import { closeOnce } from '../leftovers.js';
import { PostgresServer } from './postgres-server.js';

const log = pino({ level: 'silent' });
let server: Promise<PostgresServer> | undefined;

export const PLACES: readonly (readonly [string, () => Promise<HistoryPlace>])[] = [
  ['SQLite', async () => ({ dataDir: newFolder() })],
  ['PostgreSQL', newDatabase],
];

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-history-'));
  closeOnce(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function newDatabase(): Promise<HistoryPlace> {
  server ??= PostgresServer.start();
  const { url } = await server;
  const name = `h${randomUUID().replaceAll('-', '')}`;
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  return { databaseUrl: url.replace(/postgres$/, name) };
}

export async function openStore(place: HistoryPlace): Promise<HistoryStore> {
  const store = new HistoryStore(place, log);
  closeOnce(() => store.close());
  await store.use(async () => {});
  return store;
}
