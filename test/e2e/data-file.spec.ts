// The file of the embedded store: whatever happens to it, acknowledged events are never silently replaced by an empty or damaged store.
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { ServiceProcess } from './process.js';
import { SEED } from './service.js';

let folder: string;
let data: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-file-'));
  data = join(folder, 'data');
  file = join(data, 'rollcall.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const start = () => ServiceProcess.start({ DATA_DIR: data });

async function statusOfCallback(service: ServiceProcess, participantId: string): Promise<number> {
  return (await service.post('/callbacks/bandwidth', { ...SEED, participantId, tag: 't'.repeat(1_000) })).status;
}

async function connect(service: ServiceProcess, count: number): Promise<void> {
  // More at once could time out on a busy machine.
  for (let first = 0; first < count; first += 100) {
    const ids = Array.from({ length: Math.min(100, count - first) }, (_, n) => `p${first + n}`);
    const statuses = await Promise.all(ids.map((id) => statusOfCallback(service, id)));
    expect(new Set(statuses)).toEqual(new Set([204]));
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests read it like a client
const json = (response: Response) => response.json() as Promise<any>;

async function connected(service: ServiceProcess): Promise<number> {
  return (await json(await fetch(`${service.url}/v1/occupancy`))).connected;
}

/** The state of the store in the readiness probe, and the status of the probe itself. */
async function readiness(service: ServiceProcess): Promise<{ status: number; store: Record<string, string> }> {
  const response = await fetch(`${service.url}/health/ready`);
  return { status: response.status, store: (await json(response)).details.store };
}

const errorsOf = (service: ServiceProcess) =>
  service.output.split('\n').filter((line) => line.includes('"level":50') && line.includes('SQLite'));

/** Expects that the service does not start, and returns the message of its only line. */
async function startFailure(): Promise<string> {
  const service = await start();
  expect(await service.ended).toBe(1);
  const [line = '', ...others] = service.output.trimEnd().split('\n');
  expect(others).toEqual([]);
  return JSON.parse(line).msg;
}

function overwriteMiddle(): void {
  const { size } = statSync(file);
  const opened = openSync(file, 'r+');
  writeSync(opened, Buffer.alloc(Math.floor(size / 2), 'garbage'), 0, Math.floor(size / 2), Math.floor(size / 4));
  closeSync(opened);
}

describe('a service whose file was lost does not start, and leaves the rest of it alone', () => {
  const lost = /is missing or empty, but data has been stored in it\. Restore it from a backup, or move all files/;

  it.each<[string, 'SIGKILL' | 'SIGTERM', () => void]>([
    ['emptied after a crash', 'SIGKILL', () => truncateSync(file)],
    ['removed after a crash', 'SIGKILL', () => rmSync(file)],
    ['emptied after a stop', 'SIGTERM', () => truncateSync(file)],
    ['removed after a stop', 'SIGTERM', () => rmSync(file)],
    [
      'emptied without the marker',
      'SIGKILL',
      () => {
        truncateSync(file);
        rmSync(`${file}-created`);
      },
    ],
    [
      'removed without the marker',
      'SIGKILL',
      () => {
        rmSync(file);
        rmSync(`${file}-created`);
      },
    ],
    ['left without its write-ahead log before the first checkpoint', 'SIGKILL', () => rmSync(`${file}-wal`)],
  ])('%s', async (_, signal, lose) => {
    const service = await start();
    await connect(service, 20);
    await service.end(signal);
    lose();
    const sizes = () => readdirSync(data).map((name) => [name, statSync(join(data, name)).size]);
    const before = sizes();
    for (let attempt = 0; attempt < 2; attempt += 1) expect(await startFailure()).toMatch(lost);
    expect(sizes()).toEqual(expect.arrayContaining(before));
  });

  it('unless all of its files were moved away', async () => {
    const service = await start();
    await connect(service, 1);
    await service.end('SIGKILL');
    for (const name of readdirSync(data)) rmSync(join(data, name));
    const empty = await start();
    expect(await connected(empty)).toBe(0);
    await empty.end('SIGTERM');
  });
});

it('starts after a crash with everything that it has acknowledged', async () => {
  const service = await start();
  await connect(service, 50);
  await service.end('SIGKILL');
  const next = await start();
  expect(await connected(next)).toBe(50);
  await next.end('SIGTERM');
});

it('starts with a copy of the file alone', async () => {
  const service = await start();
  await connect(service, 50);
  await service.end('SIGTERM');
  mkdirSync(join(folder, 'other'));
  copyFileSync(file, join(folder, 'other', 'rollcall.db'));
  const next = await ServiceProcess.start({ DATA_DIR: join(folder, 'other') });
  expect(await connected(next)).toBe(50);
  await next.end('SIGTERM');
  expect(existsSync(join(folder, 'other', 'rollcall.db-created'))).toBe(true);
});

describe('a restored file beside the log of the earlier one', () => {
  const log = () => `${file}-wal`;
  const copy = () => join(folder, 'copy.db');
  const refused =
    /rollcall\.db was restored or replaced, but .*rollcall\.db-wal is the log of the earlier file.*Move .* away/;

  /** Leaves 5 participants in the copy, and more in the log of the crashed service. */
  const copies: [string, () => Promise<void>][] = [
    [
      'a backup that was made by the same process',
      async () => {
        const service = await start();
        await connect(service, 5);
        expect((await service.post('/v1/backup', {})).status).toBe(201);
        renameSync(join(data, 'rollcall-backup.db'), copy());
        await connect(service, 20);
        await service.end('SIGKILL');
      },
    ],
    [
      'a copy that was made while the service was stopped',
      async () => {
        const first = await start();
        await connect(first, 5);
        await first.end('SIGTERM');
        copyFileSync(file, copy());
        const second = await start();
        await connect(second, 20);
        await second.end('SIGKILL');
      },
    ],
  ];

  it.each(copies)('is refused, and accepted without the log: %s', async (_, prepare) => {
    await prepare();
    // Twice: the second time, the earlier file is itself a copy.
    for (let restored = 0; restored < 2; restored += 1) {
      copyFileSync(copy(), file);
      for (let attempt = 0; attempt < 2; attempt += 1) expect(await startFailure()).toMatch(refused);
      rmSync(log());
      const service = await start();
      expect(await connected(service)).toBe(5);
      await connect(service, 20);
      await service.end('SIGKILL');
    }
    const last = await start();
    expect(await connected(last)).toBe(20);
    await last.end('SIGTERM');
  });
});

describe('a file whose middle is overwritten', () => {
  it('is refused at start', async () => {
    const service = await start();
    await connect(service, 1_000);
    await service.end('SIGTERM');
    overwriteMiddle();
    expect(await startFailure()).toMatch(/is damaged, or not a Rollcall database\. Restore it from a backup/);
  });

  it('while the service runs, makes it refuse callbacks, which it says once', async () => {
    const filling = await start();
    await connect(filling, 4_000);
    await filling.end('SIGTERM');
    const service = await start();
    expect((await readiness(service)).status).toBe(200);
    overwriteMiddle();
    const message = expect.stringMatching(
      /^cannot be reached or written to: the file is damaged: stop the service, and/,
    );
    await eventually(async () =>
      expect(await readiness(service)).toEqual({ status: 503, store: { status: 'down', message } }),
    );
    expect(await statusOfCallback(service, 'late')).toBe(503);
    for (const state of ['connected', 'reconnecting', 'gone'])
      await fetch(`${service.url}/v1/participants?state=${state}`);
    expect(errorsOf(service)).toEqual([expect.stringContaining('SQLite refuses to store callbacks: SQLITE_CORRUPT')]);
    await service.end('SIGTERM');
    expect(await startFailure()).toContain('is damaged');
  });
});

describe('the running service notices that its file', () => {
  const restore = () => renameSync(`${file}.aside`, file);
  const moveAside = () => renameSync(file, `${file}.aside`);

  it.each<[string, string, () => void, () => void]>([
    ['is removed', 'FILE_REMOVED', moveAside, restore],
    [
      'is removed with its folder',
      'FILE_REMOVED',
      () => renameSync(data, `${data}.aside`),
      () => renameSync(`${data}.aside`, data),
    ],
    [
      'is replaced by a copy',
      'FILE_REPLACED',
      () => {
        moveAside();
        copyFileSync(`${file}.aside`, file);
      },
      restore,
    ],
    [
      'loses its write-ahead log',
      'FILE_REMOVED',
      () => renameSync(`${file}-wal`, `${file}.log`),
      () => renameSync(`${file}.log`, `${file}-wal`),
    ],
    ['is made read-only', 'FILE_READONLY', () => chmodSync(file, 0o444), () => chmodSync(file, 0o600)],
  ])('%s, says once what to do, and recovers', async (_, code, spoil, repair) => {
    const service = await start();
    await connect(service, 10);
    spoil();
    // Without a callback or a probe.
    await eventually(() => expect(errorsOf(service)).toHaveLength(1));
    expect(errorsOf(service)).toEqual([
      expect.stringMatching(`SQLite refuses to store callbacks: ${code}, a file.* DATA_DIR`),
    ]);
    expect(await statusOfCallback(service, 'refused')).toBe(503);
    const message = expect.stringMatching(/^cannot be reached or written to: a file .*DATA_DIR/);
    expect(await readiness(service)).toEqual({ status: 503, store: { status: 'down', message } });
    repair();
    await eventually(async () => expect((await readiness(service)).status).toBe(200));
    expect(await statusOfCallback(service, 'later')).toBe(204);
    await eventually(() => expect(service.output).toContain('SQLite no longer refuses to store callbacks'));
    expect(errorsOf(service)).toHaveLength(1);
    await service.end('SIGKILL');
    const next = await start();
    expect(await connected(next)).toBe(11);
    await next.end('SIGTERM');
  });

  it('is removed before the next callback, which is not acknowledged', async () => {
    const service = await start();
    await connect(service, 10);
    moveAside();
    expect(await statusOfCallback(service, 'refused')).toBe(503);
    restore();
    expect(await connected(service)).toBe(10);
    expect(await service.end('SIGTERM')).toBe(0);
  });
});
