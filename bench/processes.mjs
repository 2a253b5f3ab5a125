// Starts and ends what is measured, on free ports of loopback.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Resolves when it takes connections. `stop` ends it and removes its data. */
async function startProcess(command, args, { env = {} } = {}) {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));
  const settings = { ...process.env, PORT: String(port), DATA_DIR: dir, LOG_LEVEL: 'silent', ...env };
  const child = spawn(command, args(port, dir), { env: settings, stdio: ['ignore', 'ignore', 'inherit'] });
  await untilOpen(port);
  const stop = async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    rmSync(dir, { recursive: true, force: true });
  };
  return { port, pid: child.pid, stop };
}

export function startRedis() {
  const settings = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes', '--appendfsync', 'everysec'];
  return startProcess('redis-server', (port, dir) => ['--port', port, '--dir', dir, ...settings]);
}

export function startNode(file, env) {
  return startProcess(process.execPath, () => [file], { env });
}

/** Whole tables of /proc are not portable; ps is. Kilobytes of resident memory, and seconds of processor time. */
export function usageOf(pid) {
  const { stdout } = spawnSync('ps', ['-o', 'rss=,cputimes=', '-p', String(pid)], { encoding: 'utf8' });
  const [rssKb = 0, cpuS = 0] = stdout.trim().split(/\s+/).map(Number);
  return { rssKb, cpuS };
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
