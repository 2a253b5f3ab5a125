// Brings a checkout to where it can run, doing only what is not done yet. It runs before anything is installed, so it
// imports nothing but Node's own.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeVersionProblem } from '../src/runtime/node-version.mjs';

exitFor(nodeVersionProblem(process.versions.node));

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BUILD_INPUTS = ['src', 'simulator', 'package-lock.json', 'nest-cli.json', 'tsconfig.json', 'tsconfig.build.json'];
const BUILT = /^simulator\/dist\//;
const STAMP = join(ROOT, 'dist', '.built-from');

/** Installs what package-lock.json names, unless just that is there. */
export function install() {
  if (isInstalled(() => true)) return;
  console.log('Installing what is missing …');
  // Also where NODE_ENV is production: it is needed to build.
  npmCi('--include=dev');
}

/** Builds the service and the simulator, unless they were built from the same files. */
export function build() {
  if (isBuilt()) return;
  console.log('Building …');
  run('npm', ['run', '--silent', 'build']);
}

/** For the service alone: what is built already needs no development dependencies, and they are not installed for it. */
export function prepareService() {
  if (isBuilt()) {
    if (isInstalled(({ dev, devOptional }) => !dev && !devOptional)) return;
    console.log('Installing the production dependencies …');
    npmCi('--omit=dev');
    return;
  }
  exitFor(
    isDevelopmentOmitted() &&
      'dist/ is not built from what is in src/, and the development dependencies, which build it, are not installed.\n' +
        'Build first: npm ci && npm run build && npm prune --omit=dev',
  );
  install();
  build();
}

/** What npm run build does. */
export function compile() {
  run('nest', ['build']);
  run('nest', ['build', '--config', 'simulator/nest-cli.json']);
  run(process.execPath, ['scripts/openapi.mjs']);
  writeFileSync(STAMP, fingerprint());
}

/** Runs a command with its output shown, and ends this process when it fails. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', ...options });
  if (error) console.error(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

function exitFor(problem) {
  if (!problem) return;
  console.error(problem);
  process.exit(1);
}

function npmCi(which) {
  run('npm', ['ci', which, '--no-audit', '--no-fund', '--loglevel=error']);
}

function isBuilt() {
  return existsSync(STAMP) && readFileSync(STAMP, 'utf8') === fingerprint();
}

/** npm keeps a list of what it has put into node_modules. */
function isInstalled(isWanted) {
  const present = installedPackages();
  const wanted = Object.entries(lockedPackages()).filter(([path, entry]) => path !== '' && isWanted(entry));
  // Optional ones are left out where they do not fit the machine.
  return wanted.every(([path, { version, optional }]) => optional || present[path]?.version === version);
}

/** As after npm ci --omit=dev. */
function isDevelopmentOmitted() {
  const present = Object.values(installedPackages());
  return present.length > 0 && present.every(({ dev }) => !dev);
}

function lockedPackages() {
  return JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
}

function installedPackages() {
  const list = join(ROOT, 'node_modules', '.package-lock.json');
  return existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')).packages : {};
}

function fingerprint() {
  const hash = createHash('sha256');
  for (const file of BUILD_INPUTS.flatMap(filesOf))
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(ROOT, file)));
  return hash.digest('hex');
}

function filesOf(path) {
  if (statSync(join(ROOT, path)).isFile()) return [path];
  const entries = readdirSync(join(ROOT, path), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files
    .map((file) => relative(ROOT, file))
    .filter((file) => !BUILT.test(file))
    .sort();
}
