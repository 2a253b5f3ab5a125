// Programs that are no npm packages and have to be on the PATH, by the Debian package that each is in.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './prepare.mjs';

/** Any of the names does. Redis and Valkey speak the same protocol. */
export const PROGRAMS = {
  'redis-server': ['redis-server', 'valkey-server'],
  'redis-tools': ['redis-benchmark', 'valkey-benchmark'],
  chromium: ['chromium', 'chromium-browser', 'google-chrome'],
  wrk: ['wrk'],
};

/** Says what is missing and runs npm run setup for it, which ends this process when it cannot help. */
export function ensurePrograms(...debianPackages) {
  const missing = missingPrograms(debianPackages);
  if (missing.length === 0) return;
  console.log(`Missing: ${missing.join(', ')}. Running: npm run setup -- ${missing.join(' ')}`);
  run('npm', ['run', '--silent', 'setup', '--', ...missing]);
}

export function missingPrograms(debianPackages) {
  return debianPackages.filter((debianPackage) => !findProgram(debianPackage));
}

/** The path of the first that is there, or undefined. */
export function findProgram(debianPackage) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return PROGRAMS[debianPackage]
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path));
}
