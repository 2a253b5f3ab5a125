// Starts and stops the processes that are measured, on free loopback ports and with separate data folders. They are stopped
// however this process ends, except by SIGKILL.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { findProgram } from '../scripts/program.mjs';

const ROOT = join(import.meta.dirname, '..');
/** A service takes up to 10 s to answer its requests in flight. */
const STOP_TIME_LIMIT_MS = 12_000;
/** Of every Redis Cluster. */
const SLOTS = 16_384;

const children = new Set();
const folders = new Set();

process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders) removeFolder(folder);
});
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

/** Resolves with the stdout of a program that exits with 0. `onFirstOutput` is called with its pid, and also awaited. */
export async function outputOf(command, args, { onFirstOutput } = {}) {
  const child = launch(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  let reaction;
  child.stdout.once('data', () => {
    reaction = onFirstOutput?.(child.pid);
    reaction?.catch(() => {}); // a failure of the program is more informative
  });
  const [code, signal] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ended with ${code ?? signal}\n${output}`);
  await reaction;
  return output;
}

export function makeFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));
  folders.add(folder);
  return folder;
}

/** `own`: further settings. */
export async function startRedis(...own) {
  // A rewrite of the append-only file would distort whatever is being measured.
  const settings = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--auto-aof-rewrite-percentage', '0'];
  const place = ['--bind', '127.0.0.1', '--save', '', ...settings];
  const redis = await startProcess(findProgram('redis-server'), (port, dir) => [
    '--port',
    port,
    '--dir',
    dir,
    ...place,
    ...own,
  ]);
  return { ...redis, url: `redis://127.0.0.1:${redis.port}` };
}

/** Each node holds an equal part of the slots, without a replica. */
export async function startRedisCluster(count) {
  const nodes = [];
  for (let n = 0; n < count; n += 1) nodes.push(await startRedis('--cluster-enabled', 'yes'));
  const clients = nodes.map(({ port }) => new Redis(port));
  const slots = Array.from({ length: SLOTS }, (_, slot) => slot);
  for (const [n, client] of clients.entries()) {
    await client.cluster('SET-CONFIG-EPOCH', n + 1);
    await client.cluster('ADDSLOTS', ...slots.filter((slot) => Math.floor((slot * count) / SLOTS) === n));
    await client.cluster('MEET', '127.0.0.1', nodes[0].port);
  }
  for (const client of clients) {
    while (!(await client.cluster('INFO')).includes('cluster_state:ok')) await wait(50);
    client.disconnect();
  }
  return {
    url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
    pids: nodes.map(({ pid }) => pid),
    stop: async () => {
      for (const { stop } of nodes) await stop();
    },
  };
}

/** `env`: all settings except port and data folder. The environment of this process is not passed on. */
export function startNode(file, env = {}) {
  return startProcess(process.execPath, () => [file], { env });
}

/** Resolves when the process accepts connections. `stop` stops it and removes its data. `owner`: the user that runs it. */
export async function startProcess(command, argsFor, { env = {}, owner } = {}) {
  const port = await freePort();
  const dir = makeFolder();
  const settings = {
    ...{ PATH: process.env.PATH, NODE_ENV: 'production', MAX_PARTICIPANTS: '0' },
    ...{ PORT: String(port), DATA_DIR: dir, SHUTDOWN_DELAY_MS: '0' },
    ...env,
  };
  const child = launch(command, argsFor(String(port), dir), {
    env: settings,
    ...owner,
    stdio: ['ignore', 'ignore', owner ? 'ignore' : 'inherit'],
  });
  const exit = once(child, 'exit').then(() => {
    throw new Error(`${command} exited before it accepted connections`);
  });
  await Promise.race([untilOpen(port), exit]);
  exit.catch(() => {});
  const stop = async () => {
    await end(child);
    removeFolder(dir);
  };
  return { port, pid: child.pid, stop };
}

/** Starts a process that is stopped with this one at the latest. */
export function launch(command, args, options) {
  const child = spawn(command, args, { cwd: ROOT, ...options });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

export async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIME_LIMIT_MS);
  await exited;
  clearTimeout(timer);
}

function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  folders.delete(folder);
}

/** The nodes of a Redis Cluster talk to each other at a port that is 10,000 higher. */
async function freePort() {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    if (port < 55_000) return port;
  }
}

async function untilOpen(port) {
  for (let tries = 0; tries < 2_000; tries += 1) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await Promise.race([once(socket, 'connect'), once(socket, 'error')]).then(
      () => !socket.connecting && !socket.errored,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await wait(5);
  }
  throw new Error(`nothing listens on ${port}`);
}
