// Starts and ends what is measured, on free ports of loopback, with its data in a folder of its own. In whatever way this
// process ends, but by SIGKILL, what it has started ends with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findProgram } from '../scripts/program.mjs';

const ROOT = join(import.meta.dirname, '..');
/** A service takes up to 10 s to answer what it has. */
const STOP_TIME_LIMIT_MS = 12_000;

const children = new Set();
const folders = new Set();

process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders) removeFolder(folder);
});
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

/** What it writes on stdout, once it has ended well. `onFirstOutput` is called with its pid, and awaited, too. */
export async function outputOf(command, args, { onFirstOutput } = {}) {
  const child = launch(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  let reaction;
  child.stdout.once('data', () => {
    reaction = onFirstOutput?.(child.pid);
    reaction?.catch(() => {}); // when the program ends badly, that says more
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

export async function startRedis() {
  // Rewriting the append-only file would take its time from whoever happens to be measured.
  const settings = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--auto-aof-rewrite-percentage', '0'];
  const place = ['--bind', '127.0.0.1', '--save', '', ...settings];
  const redis = await startProcess(findProgram('redis-server'), (port, dir) => [
    '--port',
    port,
    '--dir',
    dir,
    ...place,
  ]);
  return { ...redis, url: `redis://127.0.0.1:${redis.port}` };
}

/** `env` are all its settings but for port and data: those of whoever runs the benchmark are not what is to be measured. */
export function startNode(file, env = {}) {
  return startProcess(process.execPath, () => [file], env);
}

/** Resolves when it takes connections. `stop` ends it and removes its data. */
async function startProcess(command, argsFor, env = {}) {
  const port = await freePort();
  const dir = makeFolder();
  const settings = {
    ...{ PATH: process.env.PATH, NODE_ENV: 'production', MAX_PARTICIPANTS: '0' },
    ...{ PORT: String(port), DATA_DIR: dir, SHUTDOWN_DELAY_MS: '0' },
    ...env,
  };
  const child = launch(command, argsFor(String(port), dir), { env: settings, stdio: ['ignore', 'ignore', 'inherit'] });
  const exit = once(child, 'exit').then(() => {
    throw new Error(`${command} has ended before it took connections`);
  });
  await Promise.race([untilOpen(port), exit]);
  exit.catch(() => {});
  const stop = async () => {
    await end(child);
    removeFolder(dir);
  };
  return { port, pid: child.pid, stop };
}

/** It ends with this process, unless it is ended before. */
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

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
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
