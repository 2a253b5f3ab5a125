// Programs that are no npm packages and have to be on the PATH.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './prepare.mjs';

/** Sees to it that one of these is there: on Debian, when it is root, by installing it. Else ends this process and says how. */
export function ensureProgram(names, debianPackage) {
  if (findProgram(names)) return;
  const isRoot = process.getuid?.() === 0;
  if (isRoot && spawnSync('apt-get', ['--version']).status === 0) {
    console.log(`Installing ${debianPackage} …`);
    const options = {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    };
    run('apt-get', ['update', '-qq'], options);
    run('apt-get', ['install', '-qq', '-y', '--no-install-recommends', debianPackage], options);
  }
  if (findProgram(names)) return;
  console.error(`This needs ${names.join(' or ')} on the PATH. On Debian: sudo apt-get install ${debianPackage}`);
  process.exit(1);
}

/** The path of the first that is there, or undefined. */
export function findProgram(names) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}
