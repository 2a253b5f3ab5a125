// npm run backup, and what it writes: a service that is started with it has everything that was acknowledged before.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ServiceProcess } from './process.js';
import { SEED } from './service.js';
import { Shell } from './shell.js';

const DIST = join(import.meta.dirname, '..', '..', 'dist');
const PROGRAM = join(DIST, 'backup.js');
const COPY_PROGRAM = join(DIST, 'storage', 'sqlite', 'copy-database.mjs');
const KEY = 'the-key-of-an-operator';
const API_KEYS = `operator:admin+read:${createHash('sha256').update(KEY).digest('hex')}`;

let folder: string;
let data: string;
let backup: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-backup-'));
  data = join(folder, 'data');
  backup = join(folder, 'backup.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const start = (settings: Record<string, string> = {}) => ServiceProcess.start({ DATA_DIR: data, ...settings });

async function connect(service: ServiceProcess, participantId: string): Promise<void> {
  expect((await service.post('/callbacks/bandwidth', { ...SEED, participantId })).status).toBe(204);
}

async function connected(service: ServiceProcess): Promise<Set<string>> {
  const ids = new Set<string>();
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const response = await fetch(`${service.url}/v1/participants?limit=1000${cursor && `&cursor=${cursor}`}`);
    // biome-ignore lint/suspicious/noExplicitAny: tests read it like a client
    const page: any = await response.json();
    for (const { participantId } of page.items) ids.add(participantId);
    cursor = page.nextCursor;
  }
  return ids;
}

/** Runs the program; resolves with its exit code and its output. */
async function backUp(url = '', settings: Record<string, string> = {}): Promise<[number | null, string]> {
  const shell = Shell.run(`exec ${process.execPath} ${PROGRAM} ${backup} ${url}`, { DATA_DIR: data, ...settings });
  return [await shell.ended, shell.output + shell.errors];
}

/** As described in docs/production.md. */
function restore(): void {
  for (const name of readdirSync(data)) if (name.startsWith('rollcall.db')) rmSync(join(data, name));
  copyFileSync(backup, join(data, 'rollcall.db'));
}

/** Sends callbacks until it is stopped. */
class Load {
  readonly acknowledged: string[] = [];
  #isStopped = false;
  readonly #senders: readonly Promise<void>[];

  constructor(service: ServiceProcess) {
    this.#senders = Array.from({ length: 8 }, async (_, sender) => {
      for (let n = 0; !this.#isStopped; n += 1) {
        await connect(service, `p${sender}-${n}`);
        this.acknowledged.push(`p${sender}-${n}`);
      }
    });
  }

  /** Resolves when this many callbacks have been acknowledged. */
  async until(count: number): Promise<void> {
    while (this.acknowledged.length < count) await Promise.race([...this.#senders, new Promise(setImmediate)]);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#senders);
  }
}

describe('a backup', () => {
  it('of a running service has every event acknowledged before, and later ones are not lost by making it', async () => {
    const service = await start();
    const load = new Load(service);
    await load.until(2_000);
    const before = [...load.acknowledged];
    expect(await backUp(service.url)).toEqual([0, expect.stringMatching(/backup\.db: \d+ bytes\n$/)]);
    const during = load.acknowledged.length;
    expect(during).toBeGreaterThan(before.length);
    await load.until(during + 500);
    await load.stop();
    expect(readdirSync(data)).not.toContain('rollcall-backup.db');
    await service.end('SIGKILL');

    const recovered = await start();
    expect([...(await connected(recovered))].sort()).toEqual([...load.acknowledged].sort());
    await recovered.end('SIGTERM');

    restore();
    const restored = await start();
    const present = await connected(restored);
    expect(before.filter((id) => !present.has(id))).toEqual([]);
    expect(present.size).toBeLessThan(load.acknowledged.length);
    await connect(restored, 'later');
    expect((await fetch(`${restored.url}/health/ready`)).status).toBe(200);
    await restored.end('SIGTERM');
  });

  it('leaves the database locked for the process that runs', async () => {
    const service = await start();
    for (let n = 0; n < 2; n += 1) expect((await backUp(service.url))[0]).toBe(0);
    const second = await start();
    expect(await second.ended).toBe(1);
    expect(second.output).toContain('another process has');
    await service.end('SIGTERM');
  });

  it('of a stopped service is made by the program itself, also after a crash', async () => {
    const service = await start();
    await connect(service, 'a');
    await service.end('SIGKILL');
    expect(await backUp()).toEqual([0, expect.stringContaining('backup.db: ')]);
    restore();
    const restored = await start();
    expect(await connected(restored)).toEqual(new Set(['a']));
    await restored.end('SIGTERM');
  });

  it('needs a key if the service has keys', async () => {
    const service = await start({ API_KEYS });
    expect(await backUp(service.url)).toEqual([1, expect.stringMatching(/answered 401: .*Set ROLLCALL_KEY/)]);
    const npm = Shell.run(`npm run --silent backup -- ${backup} ${service.url}`, {
      DATA_DIR: data,
      ROLLCALL_KEY: KEY,
    });
    expect([await npm.ended, npm.errors]).toEqual([0, '']);
    expect(existsSync(backup)).toBe(true);
    expect(service.output).toContain('a backup was made');
    await service.end('SIGTERM');
  });

  it('is not made of a damaged database', async () => {
    const service = await start();
    for (let n = 0; n < 20; n += 1) await connect(service, `p${n}`);
    await service.end('SIGTERM');
    const damaged = join(data, 'damaged.db');
    const content = readFileSync(join(data, 'rollcall.db'));
    writeFileSync(damaged, content.fill('garbage', content.length / 4, content.length / 2));
    writeFileSync(backup, 'the previous one');
    const { status, stderr } = spawnSync(process.execPath, [COPY_PROGRAM, damaged, backup], { encoding: 'utf8' });
    expect([status, JSON.parse(stderr)]).toEqual([1, { code: 'SQLITE_CORRUPT', message: expect.any(String) }]);
    expect(readFileSync(backup, 'utf8')).toBe('the previous one');
    expect(readdirSync(folder)).toEqual(['backup.db', 'data']);
  });

  it('is not replaced if a new one cannot be made', async () => {
    writeFileSync(backup, 'the previous one');
    expect(await backUp()).toEqual([1, `DATA_DIR (${data}) has no rollcall.db\n`]);
    const service = await start();
    expect(await backUp('http://127.0.0.1:1')).toEqual([1, expect.stringContaining('cannot be reached. Pass the URL')]);
    const elsewhere = mkdtempSync(join(folder, 'other-'));
    copyFileSync(join(data, 'rollcall.db'), join(elsewhere, 'rollcall.db'));
    const other = await start({ DATA_DIR: elsewhere });
    expect(await backUp(other.url)).toEqual([1, expect.stringContaining('a DATA_DIR other than')]);
    await Promise.all([service.end('SIGTERM'), other.end('SIGTERM')]);
    expect(await backUp('', { REDIS_URL: 'redis://127.0.0.1' })).toEqual([1, expect.stringContaining('back up Redis')]);
    expect(readFileSync(backup, 'utf8')).toBe('the previous one');
  });
});
