// The embedded store on a full disk, simulated by a limit on the file size of the process, which can be raised again.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { ServiceProcess } from './process.js';
import { SEED } from './service.js';

const PROGRAM = join(import.meta.dirname, '..', '..', 'dist', 'main.js');
const MAX_FILE_KIB = 1_024;

let dataDir: string;
let child: ChildProcess;
let output = '';
let url: string;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'rollcall-full-'));
  const env = { PATH: process.env.PATH, PORT: '0', DATA_DIR: dataDir };
  const command = `ulimit -S -f ${MAX_FILE_KIB} && exec ${process.execPath} ${PROGRAM}`;
  output = '';
  child = spawn('bash', ['-c', command], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  url = await new Promise((resolve) => {
    child.stdout?.on('data', (text) => {
      output += String(text);
      const [, listening] = /listens on (http:\S+)/.exec(output) ?? [];
      if (listening) resolve(listening);
    });
  });
});
afterEach(async () => {
  await crash();
  rmSync(dataDir, { recursive: true });
});

async function crash(): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function callback(participantId: string): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ ...SEED, participantId, tag: 't'.repeat(1_000) });
  return (await fetch(`${url}/callbacks/bandwidth`, { method: 'POST', headers, body })).status;
}

/** Resolves with the number of participants that were acknowledged before the disk was full. */
async function fillDisk(): Promise<number> {
  let stored = 0;
  while ((await callback(`p${stored}`)) === 204) stored += 1;
  expect(stored).toBeGreaterThan(10);
  return stored;
}

it('reports that the service is not ready when the disk is full, and logs it once', async () => {
  expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  const stored = await fillDisk();
  const statuses = await Promise.all(Array.from({ length: 20 }, (_, n) => callback(`later${n}`)));
  expect(new Set(statuses)).toEqual(new Set([503]));
  await eventually(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(503));
  expect(output.match(/SQLite refuses to store callbacks: SQLITE_(FULL|IOERR)\w*, the disk of DATA_DIR/g)).toHaveLength(
    1,
  );
  expect(await (await fetch(`${url}/v1/occupancy`)).json()).toMatchObject({ connected: stored });
});

it('continues when there is room again, and has lost nothing that was acknowledged', async () => {
  const stored = await fillDisk();
  // From Debian's essential package util-linux.
  execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited']);
  await eventually(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(200));
  const later = await Promise.all(Array.from({ length: 20 }, (_, n) => callback(`later${n}`)));
  expect(new Set(later)).toEqual(new Set([204]));
  await eventually(() => expect(output).toContain('SQLite no longer refuses to store callbacks'));
  await crash();
  const next = await ServiceProcess.start({ DATA_DIR: dataDir });
  const ids = Array.from({ length: stored }, (_, n) => `p${n}`).concat(later.map((_, n) => `later${n}`));
  expect(await unknownOf(next, ids)).toEqual([]);
  await next.end('SIGTERM');
});

it('has everything that was acknowledged before the disk was full when it is restarted with more room', async () => {
  const stored = await fillDisk();
  await crash();
  const next = await ServiceProcess.start({ DATA_DIR: dataDir });
  expect(
    await unknownOf(
      next,
      Array.from({ length: stored }, (_, n) => `p${n}`),
    ),
  ).toEqual([]);
  expect((await next.post('/callbacks/bandwidth', SEED)).status).toBe(204);
  await next.end('SIGTERM');
});

/** Those of the participants that are not connected. */
async function unknownOf(service: ServiceProcess, participantIds: readonly string[]): Promise<string[]> {
  const response = await service.post('/v1/participants/lookup', { participantIds });
  const { items } = (await response.json()) as { items: { participantId: string; state: string }[] };
  expect(items).toHaveLength(participantIds.length);
  return items.filter(({ state }) => state !== 'connected').map(({ participantId }) => participantId);
}
