// Prepares a checkout to run: installs and builds what is missing. It runs before anything is installed, so it imports only
// Node's own modules.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeVersionProblem } from '../src/runtime/node-version.mjs';

exitFor(nodeVersionProblem(process.versions.node));

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BUILD_INPUTS = [
  'src',
  'simulator',
  'console',
  'package-lock.json',
  'nest-cli.json',
  'tsconfig.json',
  'tsconfig.build.json',
];
const BUILT = /^simulator\/dist\//;
const STAMP = join(ROOT, 'dist', '.built-from');

/** Installs the packages in package-lock.json, unless exactly these are installed. */
export function install() {
  if (isInstalled(() => true)) return;
  console.log('Installing dependencies …');
  // Explicitly, because NODE_ENV=production would omit the development dependencies, which the build needs.
  npmCi('--include=dev');
}

/** Builds the service and the simulator, unless the last build had the same inputs. */
export function build() {
  if (isBuilt()) return;
  console.log('Building …');
  run('npm', ['run', '--silent', 'build']);
}

/** Prepares only the service. If it is built already, development dependencies are not needed and not installed. */
export function prepareService() {
  if (isBuilt()) {
    if (isInstalled(({ dev, devOptional }) => !dev && !devOptional)) return;
    console.log('Installing the production dependencies …');
    npmCi('--omit=dev');
    return;
  }
  exitFor(
    isDevelopmentOmitted() &&
      'dist/ is not up to date with src/, and the development dependencies, which are needed to build it, are not installed.\n' +
        'Build first: npm ci && npm run build && npm prune --omit=dev',
  );
  install();
  build();
}

/** Implements npm run build. */
export function compile() {
  run('nest', ['build']);
  run('nest', ['build', '--config', 'simulator/nest-cli.json']);
  run(process.execPath, ['scripts/openapi.mjs']);
  run(process.execPath, ['scripts/console.mjs']);
  run(process.execPath, ['scripts/bundle.mjs']);
  writeFileSync(STAMP, fingerprint());
}

/** Runs a command with its output shown, and exits if it fails. */
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

/** Compares package-lock.json with npm's own list of what it has installed in node_modules. */
function isInstalled(isWanted) {
  const present = installedPackages();
  const wanted = Object.entries(lockedPackages()).filter(([path, entry]) => path !== '' && isWanted(entry));
  // Optional packages are skipped on platforms that they do not support.
  return wanted.every(([path, { version, optional }]) => optional || present[path]?.version === version);
}

/** Whether only production dependencies are installed, as by npm ci --omit=dev. */
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
