// What the steps of the Dockerfile produce, with the Node.js version of the image and as read-only as it should be run.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ServiceProcess } from '../e2e/process.js';
import { SEED } from '../e2e/service.js';
import { freePort } from '../free-port.js';
import { lengthOf } from '../length.js';
import { canMount, ImageBuild } from './image-build.js';

const SECRET = 'the-one-live-secret-of-at-least-32-characters';

interface Lock {
  packages: Record<string, { version: string }>;
}

interface Bill {
  metadata: { component: { name: string } };
  components: { name: string; version: string; group?: string }[];
}

// Elsewhere, npm run image:smoke checks the image that a container engine has built.
(canMount() ? describe : describe.skip)('the image (built as root, on Linux)', () => {
  let image: ImageBuild;
  beforeAll(() => {
    image = new ImageBuild(lengthOf(0, 1) === 1);
    image.run();
  }, 600_000);
  afterAll(() => rmSync(image.folder, { recursive: true, force: true }));

  const readJson = (path: string): unknown => JSON.parse(readFileSync(image.path(path), 'utf8'));
  const run = (command: readonly string[], options = {}) => {
    const [program = '', ...args] = image.commandLine(command, options);
    return spawnSync(program, args, { encoding: 'utf8' });
  };

  it('has the service and what it needs, and neither npm nor the simulator', () => {
    expect(readdirSync(image.path('/app')).toSorted()).toEqual([
      'dist',
      'node_modules',
      'package.json',
      'sbom.cdx.json',
    ]);
    expect(readdirSync(image.path('/usr/local/bin'))).toEqual(['node']);
    expect(existsSync(image.path('/usr/local/lib/node_modules'))).toBe(false);
    expect(readdirSync(image.path('/app/dist'))).not.toContain('simulator');
    expect(run(['node', '--version']).stdout).toBe(`v${image.nodeVersion}\n`);
  });

  it('has a bill of materials of exactly the packages in it', () => {
    const { packages } = readJson('/app/node_modules/.package-lock.json') as Lock;
    const { metadata, components } = readJson('/app/sbom.cdx.json') as Bill;
    const installed = Object.entries(packages).map(
      ([path, { version }]) => `${path.split('node_modules/').at(-1)}@${version}`,
    );
    const listed = components.map(({ group, name, version }) => `${group ? `${group}/` : ''}${name}@${version}`);
    expect(metadata.component.name).toBe('rollcall');
    expect(new Set(listed)).toEqual(new Set(installed));
  });

  it('can write to nothing but its volume, not even as root', () => {
    for (const path of ['/app/x', '/tmp/x', '/x', '/usr/x', '/usr/local/x', '/etc/x']) {
      expect(run(['touch', path], { user: '0:0' }).stderr).toContain('Read-only file system');
    }
    expect(run(['touch', '/data/x'])).toMatchObject({ status: 0, stderr: '' });
  });

  it('stores a callback, is healthy, and stops when it is told to', async () => {
    const settings = { HOST: '127.0.0.1', PORT: String(await freePort()), CALLBACK_SECRETS: SECRET };
    const health = () =>
      run(JSON.parse(/CMD (.*)$/.exec(image.declared('HEALTHCHECK'))?.[1] ?? ''), { settings }).status;
    expect(health()).toBe(1);
    const service = ServiceProcess.run(image.commandLine(JSON.parse(image.declared('CMD')), { settings }));
    await service.listensOrEnds();
    expect(service.store).toBe('SQLite at /data/rollcall.db');
    expect((await service.post(`/callbacks/bandwidth/${SECRET}`, SEED)).status).toBe(204);
    expect(health()).toBe(0);
    expect(await service.end('SIGTERM')).toBe(0);
    expect(readdirSync(image.path('/data'))).toContain('rollcall.db');
  });
});
