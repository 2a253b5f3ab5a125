// The data folder that the Dockerfile prepares, and the users that the image runs as.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ServiceProcess } from '../e2e/process.js';
import { SEED } from '../e2e/service.js';
import { lastOf, readDockerfile } from './dockerfile.js';

const image = lastOf(readDockerfile()).steps;
const user = image.find(({ keyword }) => keyword === 'USER')?.text ?? '';
const prepareData = image.find(({ keyword, text }) => keyword === 'RUN' && text.endsWith(' /data'))?.text ?? '';
const isRoot = process.getuid?.() === 0;

describe('the image', () => {
  let folder: string;
  let data: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rollcall-image-'));
    spawnSync('chmod', ['755', folder]);
    data = join(folder, 'data');
    // Only root can change the owner of files; the mode is the same for other users.
    const prepare = isRoot ? prepareData : prepareData.replace(/-[og] \d+ /g, '');
    expect(spawnSync('bash', ['-c', prepare.replace('/data', data)]).status).toBe(0);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('runs as a numeric uid in group 0, which has access to its data', () => {
    expect(user).toMatch(/^[1-9]\d*:0$/);
    expect(statSync(data).mode & 0o070).toBe(0o070);
    expect(statSync(data).gid).toBe(isRoot ? 0 : process.getgid?.());
  });

  it('stores its data as its own user, and can continue as any other uid', async () => {
    for (const uidAndGid of [user, '1234567:0', user]) {
      const [uid = '', gid = ''] = uidAndGid.split(':');
      const as = isRoot ? ['setpriv', '--reuid', uid, '--regid', gid, '--clear-groups'] : [];
      const service = ServiceProcess.spawn({ DATA_DIR: data }, { command: [...as, process.execPath], cwd: folder });
      await service.listensOrEnds();
      expect((await service.post('/callbacks/bandwidth', SEED)).status).toBe(204);
      // Killed, so that the next process finds the write-ahead log.
      await service.end('SIGKILL');
    }
    expect(statSync(join(data, 'rollcall.db')).uid).toBe(isRoot ? Number.parseInt(user, 10) : process.getuid?.());
  });

  it('explains what to do when it has no write permission', async () => {
    spawnSync('chmod', ['555', data]);
    const as = isRoot ? ['setpriv', '--reuid', '1234567', '--regid', '0', '--clear-groups'] : [];
    const service = ServiceProcess.spawn({ DATA_DIR: data }, { command: [...as, process.execPath], cwd: folder });
    expect(await service.ended).toBe(1);
    expect(service.output).toMatch(
      /^\{"level":60,.*DATA_DIR must be a folder that uid \d+, gid \d+ can write to: EACCES.*\}\n$/,
    );
  });
});
