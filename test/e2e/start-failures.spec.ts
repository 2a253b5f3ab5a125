// Each failure to start is reported in one line, with the setting and what to do, and exit code 1.
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Database from 'libsql';
import { nodeVersionProblem } from '../../src/runtime/node-version.mjs';
import { SCHEMA_VERSION, schema } from '../../src/storage/sqlite/schema.js';
import { closeOnce } from '../leftovers.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { ServiceProcess } from './process.js';

describe('the service cannot start', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rollcall-start-'));
    file = join(folder, 'rollcall.db');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Starts the service, expects it to fail, and returns the message of its only fatal log line. */
  async function failure(settings: Record<string, string>, command?: readonly string[]): Promise<string> {
    const service = ServiceProcess.spawn({ DATA_DIR: folder, ...settings }, command && { command });
    expect(await service.ended).toBe(1);
    const lines = service.output.trimEnd().split('\n');
    const fatal = lines.filter((line) => line.includes('"level":60'));
    // Workers may log before that they are waiting for Redis.
    expect(lines.filter((line) => !line.includes('"level":50'))).toEqual(fatal);
    expect(fatal).toHaveLength(1);
    expect(fatal[0]).not.toMatch(/\\n|"stack"|"err"/);
    return JSON.parse(fatal[0] ?? '').msg;
  }

  function makeDatabase(sql = '', lengthBytes?: number): void {
    const db = new Database(file);
    db.exec(`${schema(0)}; PRAGMA user_version = ${SCHEMA_VERSION};${sql}`);
    db.close();
    if (lengthBytes !== undefined) truncateSync(file, lengthBytes);
  }

  async function occupyPort(): Promise<string> {
    const server: Server = createServer().listen(0, '127.0.0.1');
    closeOnce(() => server.close());
    await once(server, 'listening');
    return String((server.address() as AddressInfo).port);
  }

  it.each<[string, () => string]>([
    ['a file system without support for creating folders', () => '/proc/nope'],
    ['a nested folder in such a file system', () => '/proc/nope/a/b'],
    ['a file', () => '/dev/null'],
    ['a folder below a file', () => '/dev/null/data'],
    ['a dangling symbolic link', () => join(folder, 'link')],
    ['a name that is too long', () => join(folder, 'x'.repeat(300))],
  ])('when DATA_DIR is %s', async (_, dataDir) => {
    symlinkSync(join(folder, 'nowhere'), join(folder, 'link'));
    expect(await failure({ DATA_DIR: dataDir() })).toMatch(
      /^Rollcall cannot start: DATA_DIR must be a folder that uid /,
    );
  });

  it.each<[string, () => void, RegExp]>([
    ['is not a database', () => writeFileSync(file, 'no database '.repeat(1_000)), /damaged.*Restore it from a backup/],
    ['is truncated', () => makeDatabase('', 20_000), /damaged.*Restore it from a backup/],
    ['lacks a table', () => makeDatabase('DROP TABLE refs'), /damaged.*Restore it from a backup/],
    ['is from a newer version', () => makeDatabase('PRAGMA user_version = 99'), /newer version .*99.*Run that version/],
    ['is from an older version', () => makeDatabase('PRAGMA user_version = -1'), /older version .*Run that version/],
    ['belongs to another program', () => makeDatabase('PRAGMA user_version = 0'), /another program.*Move it away/],
    ['is a folder', () => mkdirSync(file), /not a file.*Move it away/],
    ['is a device', () => symlinkSync('/dev/full', file), /not a file.*Move it away/],
  ])('when the file in DATA_DIR %s', async (_, prepare, expected) => {
    prepare();
    const line = await failure({});
    expect(line).toMatch(expected);
    expect(line).toContain(`DATA_DIR: ${file}`);
  });

  it('when another process uses DATA_DIR, and does not affect that process', async () => {
    const first = ServiceProcess.spawn({ DATA_DIR: folder });
    await first.listensOrEnds();
    expect(await failure({})).toContain(`DATA_DIR: another process has ${file} open. Stop it`);
    expect((await fetch(`${first.url}/health/ready`)).status).toBe(200);
  });

  it('when PORT is in use', async () => {
    const port = await occupyPort();
    expect(await failure({ PORT: port })).toMatch(`PORT ${port} is in use on 127.0.0.1: stop the process`);
  });

  it('when PORT is in use, with workers', async () => {
    const port = await occupyPort();
    const redis = await RedisServer.start('--appendonly', 'yes');
    expect(await failure({ PORT: port, WORKERS: '2', REDIS_URL: redis.url })).toMatch(`PORT ${port} is in use`);
  });

  it.each([
    ['192.0.2.1', 'HOST 192.0.2.1 is not an address of this machine: set HOST'],
    ['host.invalid', 'HOST host.invalid cannot be resolved: set HOST'],
  ])('when HOST is %s', async (HOST, expected) => {
    const keys = { API_KEYS: `a:read:${'0'.repeat(64)}`, CALLBACK_SECRETS: 'a'.repeat(32) };
    expect(await failure({ HOST, ...keys })).toContain(expected);
  });

  it('when .env cannot be read', async () => {
    mkdirSync(join(folder, '.env'));
    const service = ServiceProcess.spawn({}, { cwd: folder });
    expect(await service.ended).toBe(1);
    expect(service.output).toMatch(/^\{"level":60,.*"msg":"configuration error: \.env cannot be read: .*\}\n$/);
  });

  it('when Node.js is too old, and loads nothing that needs a newer version', async () => {
    const versions = "Object.defineProperty(process,'versions',{value:{...process.versions,node:'18.20.8'}})";
    const command = [process.execPath, '--import', `data:text/javascript,${versions}`];
    expect(await failure({ DATA_DIR: '/proc/nope' }, command)).toContain('needs Node.js 20.19 or later');
  });

  it.each([
    ['an unhandled rejection', 'Promise.reject(new Error("by accident"))'],
    ['an uncaught exception', 'setImmediate(() => { throw new Error("by accident") })'],
  ])('after %s, which is reported in one line', async (_, code) => {
    const whenHandled = `process.on('newListener', (name) => name === 'uncaughtException' && setImmediate(() => { ${code} }))`;
    const command = [process.execPath, '--import', `data:text/javascript,${whenHandled}`];
    const service = ServiceProcess.spawn({ DATA_DIR: folder }, { command });
    expect(await service.ended).toBe(1);
    // With some versions of Node, the service listens before that.
    const failures = service.output.replace(/^\{"level":30,.*\n/, '');
    expect(failures).toMatch(/^\{"level":60,.*"msg":"Rollcall has failed: by accident"\}\n$/);
  });
});

describe('the version of Node.js', () => {
  it.each(['14.21.3', '18.20.8', '20.0.0', '20.18.3'])('%s is too old', (version) => {
    expect(nodeVersionProblem(version)).toContain(`this is ${version}`);
  });

  it.each(['20.19.0', '20.20.2', '22.13.0', '24.0.0', '100.1.0'])('%s is supported', (version) => {
    expect(nodeVersionProblem(version)).toBeUndefined();
  });
});
