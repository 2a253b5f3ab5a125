// The permissions of the files that the embedded store writes.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ServiceProcess } from './process.js';
import { SEED } from './service.js';

describe('the data folder', () => {
  let folder: string;
  let data: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rollcall-data-'));
    data = join(folder, 'new', 'data');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
  /** The modes of all files while the service runs, including the write-ahead log. */
  async function modesOfFiles(umask: string): Promise<Record<string, string>> {
    const command = ['bash', '-c', `umask ${umask}; exec "$@"`, 'bash', process.execPath];
    const service = ServiceProcess.spawn({ DATA_DIR: data }, { command });
    await service.listensOrEnds();
    expect((await service.post('/callbacks/bandwidth', SEED)).status).toBe(204);
    const modes = Object.fromEntries(readdirSync(data).map((name) => [name, modeOf(join(data, name))]));
    expect(await service.end('SIGTERM')).toBe(0);
    return modes;
  }

  const NAMES = [
    'rollcall.db',
    'rollcall.db-created',
    'rollcall.db-wal',
    'history.db',
    'history.db-wal',
    'history.db-shm',
  ];
  const filesOf = (mode: string) => Object.fromEntries(NAMES.map((name) => [name, mode]));

  it('is private to its user if the service creates it, and so are its files', async () => {
    expect(await modesOfFiles('000')).toEqual(filesOf('600'));
    expect([dirname(data), data].map(modeOf)).toEqual(['700', '700']);
  });

  it.each([
    ['are accessible to the group if it may write to the folder', 0o775, '660'],
    ['are private to the user if others may only read the folder', 0o755, '600'],
  ])('keeps its mode if it already exists, and its files %s', async (_, mode, expected) => {
    mkdirSync(data, { recursive: true });
    chmodSync(data, mode);
    expect(await modesOfFiles('077')).toEqual(filesOf(expected));
    expect(modeOf(data)).toBe(mode.toString(8));
  });
});
