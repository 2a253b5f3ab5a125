// npm start without development dependencies, in a separate checkout.
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from './eventually.js';
import { closeOnce } from './leftovers.js';

const ROOT = join(import.meta.dirname, '..');
const COPIED = ['scripts', 'src', 'simulator', 'console', 'dist', 'package.json', 'package-lock.json', 'nest-cli.json'];

interface Lock {
  packages: Record<string, { dev?: boolean }>;
}

describe('after npm ci --omit=dev, npm start', () => {
  let checkout: string;
  let env: Record<string, string | undefined>;
  beforeEach(() => {
    checkout = mkdtempSync(join(tmpdir(), 'rollcall-checkout-'));
    for (const name of [...COPIED, 'tsconfig.json', 'tsconfig.build.json']) {
      cpSync(join(ROOT, name), join(checkout, name), { recursive: true });
    }
    const lock = JSON.parse(readFileSync(join(ROOT, 'node_modules', '.package-lock.json'), 'utf8')) as Lock;
    const production = Object.entries(lock.packages).filter(([, { dev }]) => !dev);
    for (const [path] of production.filter(([path]) => path.lastIndexOf('node_modules') === 0)) {
      mkdirSync(dirname(join(checkout, path)), { recursive: true });
      symlinkSync(join(ROOT, path), join(checkout, path));
    }
    const list = join(checkout, 'node_modules', '.package-lock.json');
    writeFileSync(list, JSON.stringify({ ...lock, packages: Object.fromEntries(production) }));
    env = { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', DATA_DIR: join(checkout, 'data') };
  });
  afterEach(() => rmSync(checkout, { recursive: true, force: true }));

  const npmStart = (): SpawnSyncReturns<string> =>
    spawnSync('npm', ['start'], { cwd: checkout, env: env as NodeJS.ProcessEnv, encoding: 'utf8' });

  it('starts an existing build, and installs nothing', async () => {
    const service = spawn('npm', ['start'], { cwd: checkout, env: env as NodeJS.ProcessEnv });
    const ended = once(service, 'close');
    closeOnce(() => service.kill());
    let output = '';
    service.stdout.on('data', (text) => {
      output += String(text);
    });
    await eventually(() => expect(output).toContain('Rollcall listens on'));
    service.kill('SIGINT');
    await ended;
    expect(output).not.toMatch(/Installing|Building/);
  });

  it('explains how to build when there is no build, and installs nothing', () => {
    rmSync(join(checkout, 'dist'), { recursive: true });
    const { status, stdout, stderr } = npmStart();
    expect(status).toBe(1);
    expect(stderr).toContain('npm ci && npm run build && npm prune --omit=dev');
    expect(stdout).not.toMatch(/Installing|Building/);
  });
});
