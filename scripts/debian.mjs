// The tests talk to a real Redis: this sees to it that there is one to start.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './prepare.mjs';

const NAMES = ['redis-server', 'valkey-server'];

export function ensureRedisServer() {
  if (isThere()) return;
  const isRoot = process.getuid?.() === 0;
  if (isRoot && spawnSync('apt-get', ['--version']).status === 0) {
    console.log('Installing redis-server …');
    const options = {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    };
    run('apt-get', ['update', '-qq'], options);
    run('apt-get', ['install', '-qq', '-y', '--no-install-recommends', 'redis-server'], options);
  }
  if (isThere()) return;
  console.error(`The tests need one of ${NAMES.join(', ')} on the PATH. On Debian: sudo apt-get install redis-server`);
  process.exit(1);
}

function isThere() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.some((folder) => NAMES.some((name) => existsSync(join(folder, name))));
}
