// npm run backup -- FILE [URL]: writes a consistent copy of the SQLite database to FILE. If the service is stopped, this process opens
// the database itself; if it is running, it is asked to make the copy, in the same DATA_DIR.
import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pino } from 'pino';
import { type Config, ConfigError, loadEnvFile, readConfig } from './config/config.js';
import { systemClock } from './runtime/clock.js';
import { DIALECTS } from './sources/registry.js';
import { openStorage } from './storage/open-storage.js';
import type { Backup } from './storage/ports.js';
import { isInUse } from './storage/sqlite-file.js';

const USAGE = `Usage: npm run --silent backup -- FILE [URL]
  FILE: where to write the backup
  URL: of the running service; by default that of HOST and PORT
  ROLLCALL_KEY: an API key with the scope admin, if the service has API_KEYS`;

async function backUp(target: string, url: string | undefined): Promise<void> {
  loadEnvFile();
  const config = readConfig(DIALECTS);
  const { redis, dataDir } = config.storePlace;
  if (redis) throw new Error('With REDIS_URL, presence is stored in Redis: back up Redis');
  if (!existsSync(join(dataDir, 'rollcall.db'))) throw new Error(`DATA_DIR (${resolve(dataDir)}) has no rollcall.db`);
  const { file, bytes } = (await ofStoppedService(config)) ?? (await ofRunningService(url ?? urlOf(config)));
  const copy = join(dataDir, file);
  // An older copy may be there.
  if (statSync(copy, { throwIfNoEntry: false })?.size !== bytes)
    throw new Error(`The service has written ${file} to a DATA_DIR other than ${resolve(dataDir)}`);
  move(copy, target);
  console.log(`${target}: ${bytes} bytes`);
}

/** undefined: the service is running. */
async function ofStoppedService({ storePlace }: Config): Promise<Backup | undefined> {
  try {
    const storage = await openStorage(storePlace, systemClock, pino({ level: 'silent' }));
    const backup = await storage.backups?.make();
    await storage.close();
    return backup === 'in-progress' ? undefined : backup;
  } catch (error) {
    if (isInUse(error)) return undefined;
    throw error;
  }
}

async function ofRunningService(url: string): Promise<Backup> {
  const { ROLLCALL_KEY: key } = process.env;
  const headers = { ...(key && { authorization: `Bearer ${key}` }) };
  const response = await fetch(new URL('/v1/backup', url), { method: 'POST', headers }).catch((error: Error) => {
    const advice = 'Pass the URL of the service: npm run backup -- FILE URL';
    throw new Error(`Another process has the database open, and ${url} cannot be reached. ${advice}`, { cause: error });
  });
  const body = (await response.json().catch(() => ({}))) as Partial<Backup> & { title?: string; detail?: string };
  if (response.status === 201) return body as Backup;
  const advice = response.status === 401 || response.status === 403 ? '. Set ROLLCALL_KEY to a key for admin' : '';
  throw new Error(`${url} answered ${response.status}: ${body.title}. ${body.detail}${advice}`);
}

function urlOf({ host, port }: Config): string {
  const address = ['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host;
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** Works across file systems; `to` never holds a partial copy. */
function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    const partial = `${to}.partial`;
    copyFileSync(from, partial);
    const copy = openSync(partial, 'r+');
    fsyncSync(copy);
    closeSync(copy);
    renameSync(partial, to);
    rmSync(from);
  }
}

const [target, url] = process.argv.slice(2);
try {
  if (target === undefined || target.startsWith('-')) throw new Error(USAGE);
  await backUp(target, url);
} catch (error) {
  console.error(error instanceof ConfigError ? error.problems.join('\n') : (error as Error).message);
  process.exitCode = 1;
}
