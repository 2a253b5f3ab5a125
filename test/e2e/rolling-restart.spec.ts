// Two processes behind nginx, configured as in docs/scaling.md, are restarted one after the other under load: no callback fails or
// is lost.

import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { findProgram } from '../find-program.js';
import { freePort } from '../free-port.js';
import { closeOnce } from '../leftovers.js';
import { lengthOf } from '../length.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { ServiceProcess } from './process.js';
import { SEED } from './service.js';

const DOCUMENT = join(import.meta.dirname, '..', '..', 'docs', 'scaling.md');
const SECRET = 'the-one-live-secret-of-at-least-32-characters';
/** In each, both processes are restarted. */
const ROUNDS = lengthOf(1, 10);
/** So that nginx has used the restarted process again before the other one is stopped. */
const CALLBACKS_BETWEEN = 200;
const KEY = 'the-key-of-a-reader';
const API_KEYS = `reader:read:${createHash('sha256').update(KEY).digest('hex')}`;

let folder: string;
let redis: RedisServer;
let nginx: ChildProcess | undefined;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-nginx-'));
  redis = await RedisServer.start();
});
afterEach(async () => {
  nginx?.kill();
  await redis.stop();
  rmSync(folder, { recursive: true });
});

/** The documented configuration on other ports, in the foreground and without the paths of the system. */
async function startNginx(ports: readonly [number, number, number]): Promise<void> {
  const [, documented = ''] = /```nginx\n([\s\S]*?)```/.exec(readFileSync(DOCUMENT, 'utf8')) ?? [];
  const [front, first, second] = ports;
  const site = documented
    .replace('listen 3000', `listen 127.0.0.1:${front}`)
    .replace('127.0.0.1:3001', `127.0.0.1:${first}`)
    .replace('127.0.0.1:3002', `127.0.0.1:${second}`);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log; events {}\nhttp { access_log off; ${paths.join(' ')}\n${site}\n}`,
  );
  const binary = findProgram(['nginx'], 'nginx-light');
  const child = spawn(binary, ['-p', folder, '-e', join(folder, 'error.log'), '-c', join(folder, 'nginx.conf')]);
  nginx = child;
  closeOnce(() => child.kill());
  await eventually(() => fetch(`http://127.0.0.1:${front}/health/live`));
}

function startNode(port: number, name: string): Promise<ServiceProcess> {
  return ServiceProcess.start({
    PORT: String(port),
    REDIS_URL: redis.url,
    DATA_DIR: join(folder, name),
    API_KEYS,
    CALLBACK_SECRETS: SECRET,
    SHUTDOWN_DELAY_MS: '500',
  });
}

it('rolling restarts behind nginx fail and lose no callback', async () => {
  const ports = [await freePort(), await freePort(), await freePort()] as const;
  const [front, first, second] = ports;
  const nodes = [
    { name: 'first', port: first, process: await startNode(first, 'first') },
    { name: 'second', port: second, process: await startNode(second, 'second') },
  ];
  await startNginx(ports);
  const statuses: string[] = [];
  let isStopped = false;
  const send = async (client: number) => {
    for (let n = 0; !isStopped; n += 1) {
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ ...SEED, participantId: `p${client}-${n}` });
      const sent = fetch(`http://127.0.0.1:${front}/callbacks/bandwidth/${SECRET}`, { method: 'POST', headers, body });
      statuses.push(await sent.then(({ status }) => String(status), String));
    }
  };
  const areAnswered = (count: number) => eventually(() => expect(statuses.length).toBeGreaterThanOrEqual(count));
  const clients = Promise.all(Array.from({ length: 8 }, (_, client) => send(client)));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const node of nodes) {
      await areAnswered(statuses.length + CALLBACKS_BETWEEN);
      expect(await node.process.end('SIGTERM')).toBe(0);
      node.process = await startNode(node.port, node.name);
    }
  }
  await areAnswered(statuses.length + CALLBACKS_BETWEEN);
  isStopped = true;
  await clients;
  // 202: in the spool of a process, because Redis did not answer for a moment.
  expect(statuses.filter((status) => status !== '204' && status !== '202')).toEqual([]);
  await eventually(async () => {
    const response = await fetch(`http://127.0.0.1:${front}/v1/occupancy`, {
      headers: { authorization: `Bearer ${KEY}` },
    });
    expect(await response.json()).toMatchObject({ connected: statuses.length });
  }, 60_000);
  await Promise.all(nodes.map((node) => node.process.end('SIGKILL')));
}, 600_000);
