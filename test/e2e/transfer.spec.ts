// npm run export and npm run import: presence moves from one store to another, and the service goes on there.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { ServiceProcess } from './process.js';
import { SEED } from './service.js';
import { Shell } from './shell.js';
import { WebhookReceiver } from './webhook-receiver.js';

const DIST = join(import.meta.dirname, '..', '..', 'dist');

let redis: RedisServer;
let folder: string;
let data: string;
let file: string;
beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis.stop());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-transfer-'));
  data = join(folder, 'data');
  file = join(folder, 'export.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program; resolves with its exit code, its output and its errors. */
async function run(
  program: 'export' | 'import',
  args: string,
  settings: Record<string, string> = {},
): Promise<[number | null, string, string]> {
  const shell = Shell.run(`exec ${process.execPath} ${join(DIST, `${program}.js`)} ${args}`, settings);
  return [await shell.ended, shell.output, shell.errors];
}

async function connect(service: ServiceProcess, participantId: string): Promise<void> {
  expect((await service.post('/callbacks/bandwidth', { ...SEED, participantId })).status).toBe(204);
}

// biome-ignore lint/suspicious/noExplicitAny: tests read it like a client
async function get(service: ServiceProcess, path: string): Promise<any> {
  return (await fetch(`${service.url}${path}`)).json();
}

async function present(service: ServiceProcess): Promise<string[]> {
  const { items } = await get(service, '/v1/participants');
  return items.map(({ participantId }: { participantId: string }) => participantId).sort();
}

describe('a store', () => {
  it('moves from SQLite to Redis in 16 shards, and back', async () => {
    const service = await ServiceProcess.start({ DATA_DIR: data });
    for (const id of ['a', 'b']) await connect(service, id);
    const { items: before } = await get(service, '/v1/participants');
    expect(await run('export', `--from sqlite:${data} ${file}`)).toEqual([
      1,
      '',
      expect.stringMatching(/another process has .*rollcall\.db open/),
    ]);
    expect(existsSync(file)).toBe(false);
    await service.end('SIGTERM');

    const exported = await run('export', file, { DATA_DIR: data });
    expect(exported).toEqual([0, '', expect.stringMatching(/^SQLite at .*: 2 participants, 0 bindings\n$/)]);
    const settings = { REDIS_URL: redis.url, REDIS_PREFIX: 'moved', REDIS_SHARDS: '16' };
    const imported = await run('import', `--to ${redis.url} --prefix moved --shards 16 ${file}`);
    expect(imported).toEqual([0, '', expect.stringContaining('2 participants added, 0 changed, 0 unchanged')]);
    const moved = await ServiceProcess.start({ DATA_DIR: join(folder, 'spool'), ...settings });
    expect((await get(moved, '/v1/participants')).items).toEqual(before);
    await connect(moved, 'c');

    const back = join(folder, 'back');
    const piped = Shell.run(`npm run --silent export | npm run --silent import -- --to sqlite:${back}`, settings);
    expect([await piped.ended, piped.output]).toEqual([0, '']);
    expect(piped.errors).toContain('3 participants added');
    await moved.end('SIGTERM');
    const returned = await ServiceProcess.start({ DATA_DIR: back });
    expect(await present(returned)).toEqual(['a', 'b', 'c']);
    await returned.end('SIGTERM');
  });

  it('takes the endpoints of webhooks along, which are told of what changes from then on', async () => {
    const receiver = await WebhookReceiver.start();
    const own = { WEBHOOK_ALLOW_HTTP: 'on', WEBHOOK_ALLOWED_NETWORKS: '127.0.0.1' };
    const source = await ServiceProcess.start({ DATA_DIR: data, ...own });
    const made = await source.post('/v1/webhooks/endpoints', { url: receiver.url, types: ['participant.connected'] });
    const { id, secret } = (await made.json()) as { readonly id: string; readonly secret: string };
    receiver.secrets = [secret];
    await connect(source, 'a');
    await eventually(() => expect(receiver.taken).toHaveLength(1));
    await source.end('SIGTERM');
    await run('export', `--from sqlite:${data} ${file}`);
    const settings = { REDIS_URL: redis.url, REDIS_PREFIX: 'endpoints', DATA_DIR: join(folder, 'spool'), ...own };
    const [code, , summary] = await run('import', file, settings);
    expect([code, summary]).toEqual([0, expect.stringContaining('1 endpoints and rules of webhooks added')]);
    const target = await ServiceProcess.start(settings);
    await connect(target, 'b');
    await eventually(() => expect(Object.keys(receiver.takenTypes())).toEqual(['a', 'b']));
    expect(receiver.faults).toEqual([]);
    expect((await get(target, '/v1/webhooks/endpoints')).items).toMatchObject([{ id, url: receiver.url }]);
    await target.end('SIGTERM');
    receiver.stop();
  });

  it('that is in use takes what is imported, and announces it', async () => {
    const source = await ServiceProcess.start({ DATA_DIR: data });
    for (const id of ['a', 'b']) await connect(source, id);
    await source.end('SIGTERM');
    await run('export', `--from sqlite:${data} ${file}`);
    const settings = { REDIS_URL: redis.url, REDIS_PREFIX: 'live', DATA_DIR: join(folder, 'spool') };
    const target = await ServiceProcess.start(settings);
    await connect(target, 'b');
    const { position } = await get(target, '/v1/participants');
    const [code, , summary] = await run('import', file, settings);
    expect([code, summary]).toEqual([0, expect.stringContaining('1 participants added')]);
    const { items: changes } = await get(target, `/v1/changes?after=${position}`);
    const ofParticipants = changes.filter(({ type }: { type: string }) => type.startsWith('participant.'));
    expect(ofParticipants.map(({ participantId }: { participantId: string }) => participantId)).toEqual(
      expect.arrayContaining(['a']),
    );
    expect(await present(target)).toEqual(['a', 'b']);
    await target.end('SIGTERM');
  });

  it.each<[string, 'export' | 'import', string, RegExp]>([
    ['does not exist', 'export', '--from sqlite:/nowhere', /nowhere has no rollcall\.db/],
    ['cannot be reached', 'export', '--from redis://127.0.0.1:1 never.jsonl', /cannot reach Redis at 127\.0\.0\.1:1/],
    [
      'has another number of shards',
      'import',
      '--to REDIS --prefix one --shards 2',
      /REDIS_SHARDS is 2, .* set REDIS_SHARDS=1/,
    ],
    ['is of an unknown kind', 'import', '--to mysql://somewhere', /REDIS_URL must be a URL like/],
    ['is given with an unknown option', 'export', '--form redis://127.0.0.1', /Unknown option '--form'/],
  ])('that %s is refused in one line', async (_, program, args, message) => {
    writeFileSync(file, '');
    await run('export', `--from ${redis.url} --prefix one`);
    const [code, output, errors] = await run(program, args.replace('REDIS', redis.url), { DATA_DIR: folder });
    expect([code, output, errors.match(/\n/g)?.length]).toEqual([1, '', 1]);
    expect(errors).toMatch(message);
    expect(existsSync('never.jsonl')).toBe(false);
  });

  it('is not filled from a file that is not an export', async () => {
    writeFileSync(file, '{"hello":"world"}\n');
    const [code, , errors] = await run('import', `--to sqlite:${data} ${file}`);
    expect([code, errors]).toEqual([
      1,
      expect.stringContaining('export.jsonl, line 1: this is not an export of Rollcall'),
    ]);
    expect(readFileSync(file, 'utf8')).toBe('{"hello":"world"}\n');
  });
});
