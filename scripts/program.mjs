// Required programs that are not npm packages and must be on the PATH, by Debian package.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Alternative program names for each package. Redis and Valkey use the same protocol. */
export const PROGRAMS = {
  'redis-server': ['redis-server', 'valkey-server'],
  'redis-tools': ['redis-benchmark', 'valkey-benchmark'],
  postgresql: ['postgres'],
  'nginx-light': ['nginx'],
  prometheus: ['promtool'],
  'kubernetes-client': ['kubectl'],
  'docker-compose': ['docker-compose'],
  nutcracker: ['nutcracker'],
  chromium: ['chromium', 'chromium-browser', 'google-chrome'],
  wrk: ['wrk'],
};

/** Exits unless all of them are installed or can be. */
export function ensurePrograms(...debianPackages) {
  if (installPrograms(...debianPackages).length > 0) process.exit(1);
}

/** Continues if it cannot be installed: only the tests that start it need it. */
export function installForTests(debianPackage) {
  if (installPrograms(debianPackage).length === 0) return;
  console.error(`Without ${debianPackage}, the tests that start it will fail. All others run.`);
}

/** Prints what is missing and runs npm run setup for it. Returns what is still missing. */
function installPrograms(...debianPackages) {
  const missing = missingPrograms(debianPackages);
  if (missing.length === 0) return [];
  console.log(`Missing: ${missing.join(', ')}. Running: npm run setup -- ${missing.join(' ')}`);
  spawnSync('npm', ['run', '--silent', 'setup', '--', ...missing], { stdio: 'inherit' });
  return missingPrograms(missing);
}

export function missingPrograms(debianPackages) {
  return debianPackages.filter((debianPackage) => !findProgram(debianPackage));
}

/** Debian has the programs of PostgreSQL in a folder for each version, which is not on the PATH. */
const POSTGRES_FOLDER = '/usr/lib/postgresql';

/** The path of the first program found, or undefined. */
export function findProgram(debianPackage) {
  return findOnPath(...PROGRAMS[debianPackage]);
}

/** The same for programs that no package in the list has. */
export function findOnPath(...names) {
  const versions = existsSync(POSTGRES_FOLDER) ? readdirSync(POSTGRES_FOLDER) : [];
  const folders = (process.env.PATH ?? '').split(delimiter);
  folders.push(...versions.map((version) => join(POSTGRES_FOLDER, version, 'bin')));
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}
