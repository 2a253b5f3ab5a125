// npm run redis:sentinel and redis:cluster: the servers that they start, and what they leave behind.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { ServiceProcess } from './process.js';
import { SEED } from './service.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-servers-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.each(['sentinel', 'cluster'])(
  'npm run redis:%s prints settings that work, and removes all at Ctrl-C',
  async (kind) => {
    const servers = ServiceProcess.run(['env', `TMPDIR=${folder}`, 'npm', 'run', `redis:${kind}`]);
    await eventually(() => expect(servers.output).toContain('Ctrl-C'));
    const [, line = ''] = /^ {2}(REDIS_URL=.*) npm start$/m.exec(servers.output) ?? [];
    const settings = line.split(' ').map((setting) => setting.split('='));
    const service = await ServiceProcess.start({ ...Object.fromEntries(settings), DATA_DIR: join(folder, 'data') });
    // On a busy machine, the first commands may time out.
    await eventually(async () => expect((await service.post('/callbacks/bandwidth', SEED)).status).toBe(204));
    await service.end('SIGINT');
    rmSync(join(folder, 'data'), { recursive: true });

    await servers.end('SIGINT');
    const pids = [...servers.output.matchAll(/127\.0\.0\.1:\d+ {2}(\d+)$/gm)].map(([, pid]) => Number(pid));
    expect(pids).toHaveLength(kind === 'cluster' ? 6 : 5);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(readdirSync(folder)).toEqual([]);
  },
);
