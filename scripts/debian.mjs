// The tests talk to a real Redis and drive a real browser: this sees to it that both are there.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './prepare.mjs';

const NEEDED = {
  'redis-server': ['redis-server', 'valkey-server'],
  chromium: ['chromium', 'chromium-browser', 'google-chrome'],
};

/** Installs Debian's package when none of its programs is on the PATH and this is root; else ends the process. */
export function ensureInstalled(packageName) {
  const names = NEEDED[packageName];
  if (isThere(names)) return;
  const isRoot = process.getuid?.() === 0;
  if (isRoot && spawnSync('apt-get', ['--version']).status === 0) {
    console.log(`Installing ${packageName} …`);
    const options = {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    };
    run('apt-get', ['update', '-qq'], options);
    run('apt-get', ['install', '-qq', '-y', '--no-install-recommends', packageName], options);
  }
  if (isThere(names)) return;
  console.error(`Needed is one of ${names.join(', ')} on the PATH. On Debian: sudo apt-get install ${packageName}`);
  process.exit(1);
}

function isThere(names) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.some((folder) => names.some((name) => existsSync(join(folder, name))));
}
