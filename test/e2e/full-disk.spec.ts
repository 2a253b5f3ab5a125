// The embedded store on a full disk, simulated by a limit on the file size of the process.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
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
  const command = `ulimit -f ${MAX_FILE_KIB} && exec ${process.execPath} ${PROGRAM}`;
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
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  rmSync(dataDir, { recursive: true });
});

it('reports that the service is not ready when the disk is full, and logs it once', async () => {
  const callback = async (participantId: string) => {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ ...SEED, participantId, tag: 't'.repeat(1_000) });
    return (await fetch(`${url}/callbacks/bandwidth`, { method: 'POST', headers, body })).status;
  };
  expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  let stored = 0;
  while ((await callback(`p${stored}`)) === 204) stored += 1;
  expect(stored).toBeGreaterThan(10);
  const statuses = await Promise.all(Array.from({ length: 20 }, (_, n) => callback(`later${n}`)));
  expect(new Set(statuses)).toEqual(new Set([503]));
  await eventually(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(503));
  expect(output.match(/SQLite refuses to store callbacks: SQLITE_(FULL|IOERR)\w*, the disk of DATA_DIR/g)).toHaveLength(
    1,
  );
  expect(await (await fetch(`${url}/v1/occupancy`)).json()).toMatchObject({ connected: stored });
});
