// npm run setup [-- <Debian package>…]: as root on Debian, installs the system packages that the tests and the benchmark need.
// Otherwise it prints what to install.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { run } from './prepare.mjs';
import { missingPrograms, PROGRAMS } from './program.mjs';

const requested = process.argv.slice(2).filter((name) => name in PROGRAMS);
const wanted = requested.length > 0 ? requested : Object.keys(PROGRAMS);
const missing = missingPrograms(wanted);
const canInstall = process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0;
if (missing.length > 0 && canInstall) {
  console.log(`Installing ${missing.join(', ')} …`);
  const options = {
    stdio: ['ignore', 'ignore', 'inherit'],
    // SYSTEMD_OFFLINE: the services of these packages are not started. The tests start what they need.
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', SYSTEMD_OFFLINE: '1' },
  };
  run('apt-get', ['update', '-qq'], options);
  if (missing.includes('postgresql')) preventCluster();
  run('apt-get', ['install', '-qq', '-y', '--no-install-recommends', ...missing], options);
}
const stillMissing = missingPrograms(wanted);
if (stillMissing.length === 0) {
  console.log(`On the PATH: ${wanted.join(', ')}`);
} else {
  console.error(`Install ${stillMissing.join(', ')}. On Debian: sudo apt-get install ${stillMissing.join(' ')}`);
  process.exit(1);
}

/** Debian's package creates a database and starts it, unless it is told not to. The tests start their own. */
function preventCluster() {
  const file = '/etc/postgresql-common/createcluster.conf';
  if (existsSync(file)) return;
  mkdirSync('/etc/postgresql-common', { recursive: true });
  writeFileSync(file, 'create_main_cluster = false\n');
}
