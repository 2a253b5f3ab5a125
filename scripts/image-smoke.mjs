// npm run image:smoke -- <image>: checks an image that a container engine has built, by running it as docs/production.md
// recommends. CONTAINER_ENGINE is the engine, docker by default; podman has the same commands.
import { deepStrictEqual, equal, match, ok } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';

const [image] = process.argv.slice(2);
if (!image) {
  console.error('Usage: npm run image:smoke -- <image>');
  process.exit(2);
}
const ENGINE = process.env.CONTAINER_ENGINE ?? 'docker';
const NAME = `rollcall-smoke-${process.pid}`;
const HARDENED = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];
const CALLBACK = { event: 'onConnect', participantId: 'p1', deviceId: 'd1', tag: 'smoke' };

/** Prints what is in the image and, as its user, tries to write. Runs in the container. */
const LOOK = `
  const fs = require('node:fs');
  const canWrite = (path) => { try { fs.writeFileSync(path, ''); return true; } catch { return false; } };
  console.log(JSON.stringify({
    files: fs.readdirSync('/app').sort(),
    programs: ['npm', 'npx', 'yarn', 'corepack'].filter((name) => fs.existsSync('/usr/local/bin/' + name)),
    components: JSON.parse(fs.readFileSync('/app/sbom.cdx.json', 'utf8')).components.length,
    writable: ['/app/x', '/data/x'].filter(canWrite),
  }));`;

try {
  checkDeclarations();
  checkContents();
  await checkService();
  console.log(`${image} is as it should be.`);
} finally {
  spawnSync(ENGINE, ['rm', '--force', NAME]);
  spawnSync(ENGINE, ['volume', 'rm', NAME]);
}

function checkDeclarations() {
  const [{ Config, Architecture }] = JSON.parse(engine('image', 'inspect', image));
  match(Config.User, /^[1-9]\d*:0$/);
  match(Config.Labels['org.opencontainers.image.version'], /./);
  match(Config.Labels['org.opencontainers.image.revision'], /./);
  console.log(`${Architecture}, version ${Config.Labels['org.opencontainers.image.version']}, user ${Config.User}`);
}

function checkContents() {
  const volume = ['--rm', '--volume', `${NAME}:/data`];
  const seen = JSON.parse(engine('run', ...volume, ...HARDENED, '--entrypoint', 'node', image, '--eval', LOOK));
  deepStrictEqual(seen.files, ['dist', 'node_modules', 'package.json', 'sbom.cdx.json']);
  deepStrictEqual(seen.programs, []);
  ok(seen.components > 0, 'the bill of materials is empty');
  deepStrictEqual(seen.writable, ['/data/x']);
}

async function checkService() {
  let url = await start();
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ ...CALLBACK, timestamp: String(Date.now()) });
  equal((await fetch(`${url}/callbacks/bandwidth`, { method: 'POST', headers, body })).status, 204);
  // Killed, and continued by the kind of user that OpenShift assigns.
  engine('rm', '--force', NAME);
  url = await start('--user', '1234567:0');
  const { items } = await (await fetch(`${url}/v1/participants`)).json();
  deepStrictEqual(
    items.map(({ participantId }) => participantId),
    ['p1'],
  );
  engine('stop', '-t', '15', NAME);
  equal(engine('inspect', '--format', '{{.State.ExitCode}}', NAME), '0');
}

/** Resolves with its URL once its health check passes. */
async function start(...options) {
  const published = ['--publish', '127.0.0.1::3000', '--volume', `${NAME}:/data`, '--env', 'AUTH=off'];
  engine('run', '--detach', '--name', NAME, ...HARDENED, ...published, ...options, image);
  // Docker has it in Config.
  const [{ Config, Healthcheck = Config.Healthcheck }] = JSON.parse(engine('image', 'inspect', image));
  const [, ...health] = Healthcheck.Test;
  for (let attempts = 1; spawnSync(ENGINE, ['exec', NAME, ...health]).status !== 0; attempts += 1) {
    if (attempts === 60) throw new Error(`not healthy after ${attempts} s:\n${engine('logs', NAME)}`);
    await setTimeout(1_000);
  }
  return `http://${engine('port', NAME, '3000/tcp').split('\n')[0]}`;
}

function engine(...args) {
  const { status, stdout, stderr, error } = spawnSync(ENGINE, args, { encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${ENGINE} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout.trim();
}
