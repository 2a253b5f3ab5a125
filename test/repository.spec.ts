// The files for GitHub, which cannot run here: they parse, and run the same commands as .ci/run. And the release of a version.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const packageJson = JSON.parse(read('package.json')) as { scripts: Record<string, string>; engines: { node: string } };

interface Workflow {
  name: string;
  on: object;
  jobs: Record<string, { strategy?: { matrix: { node: number[]; server: { image: string }[] } }; steps: Step[] }>;
}

interface Step {
  run?: string;
  uses?: string;
}

const workflow = (name: string) => parse(read(`.github/workflows/${name}.yml`), { version: '1.2' }) as Workflow;
const stepsOf = (name: string) => Object.values(workflow(name).jobs).flatMap(({ steps }) => steps);
const npmScripts = (text: string) =>
  [...text.matchAll(/\bnpm (?:run )?(?!ci\b|pkg\b|run\b)([a-z:]+)/g)].map(([, name]) => name);

describe('the workflows', () => {
  it.each(['ci', 'release'])('%s runs only npm scripts that exist, and actions of a major version', (name) => {
    const steps = stepsOf(name);
    const scripts = steps.flatMap(({ run = '' }) => npmScripts(run));
    expect(scripts.length).toBeGreaterThan(0);
    expect(Object.keys(packageJson.scripts)).toEqual(expect.arrayContaining(scripts));
    for (const { uses } of steps.filter(({ run }) => run === undefined)) expect(uses).toMatch(/^[\w-]+\/[\w-]+@v\d+$/);
  });

  it('run everything that .ci/run runs', () => {
    const commands = stepsOf('ci').map(({ run }) => run);
    const own = read('.ci/run').match(/^npm .*$/gm) ?? [];
    expect(commands).toEqual(expect.arrayContaining(own.map((command) => command.replace(/^npm ci .*/, 'npm ci'))));
  });

  it('test every supported Node.js, and Redis from the oldest version', () => {
    const { node = [], server = [] } = workflow('ci').jobs.test?.strategy?.matrix ?? {};
    const lowest = [...packageJson.engines.node.matchAll(/[\^=](\d+)\./g)].map(([, major]) => Number(major));
    expect(node).toEqual(lowest);
    expect(server[0]?.image).toBe(`redis:${/Redis (\d+\.\d+) or/.exec(read('README.md'))?.[1]}-bookworm`);
  });
});

it('the issue forms have what GitHub requires', () => {
  const forms = readdirSync(join(ROOT, '.github/ISSUE_TEMPLATE')).filter((name) => name !== 'config.yml');
  expect(forms.toSorted()).toEqual(['bug.yml', 'feature.yml']);
  for (const form of forms) {
    const content: unknown = parse(read(`.github/ISSUE_TEMPLATE/${form}`));
    const { body } = content as { body: { type: string; id?: string; attributes: object }[] };
    expect(content).toMatchObject({ name: expect.any(String), description: expect.any(String) });
    const fields = body.filter(({ type }) => type !== 'markdown');
    for (const field of fields) expect(field.attributes).toHaveProperty('label');
    expect(new Set(fields.map(({ id }) => id)).size).toBe(fields.length);
  }
});

it('Dependabot looks at everything that has versions', () => {
  const { updates } = parse(read('.github/dependabot.yml')) as { updates: Record<string, string>[] };
  expect(updates.map((update) => update['package-ecosystem'])).toEqual([
    'npm',
    'docker',
    'docker-compose',
    'github-actions',
  ]);
});

describe('npm version', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rollcall-release-'));
    for (const path of ['scripts/changelog.mjs', 'CHANGELOG.md', '.npmrc'])
      cpSync(join(ROOT, path), join(folder, path));
    const { version } = packageJson.scripts;
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ name: 'rollcall', version: '0.1.0', scripts: { version } }),
    );
    run('git', 'init', '--quiet');
    run('git', 'add', '.');
    commit('first');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const run = (program: string, ...args: string[]) => {
    const author = {
      GIT_AUTHOR_NAME: 'a',
      GIT_AUTHOR_EMAIL: 'a@b',
      GIT_COMMITTER_NAME: 'a',
      GIT_COMMITTER_EMAIL: 'a@b',
    };
    return spawnSync(program, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, ...author } });
  };
  const commit = (message: string) => expect(run('git', 'commit', '--quiet', '--message', message).status).toBe(0);
  const release = () => run('npm', 'version', '--ignore-scripts=false', 'minor');

  it('moves what is unreleased to the new version, in the commit that it tags', () => {
    const unreleased = read('CHANGELOG.md').split('## [Unreleased]\n')[1] ?? '';
    expect(release()).toMatchObject({ status: 0 });
    const changelog = run('git', 'show', 'v0.2.0:CHANGELOG.md').stdout;
    const [, released] = /## \[Unreleased\]\n\n## \[0\.2\.0\] - \d{4}-\d\d-\d\d\n([\s\S]*)$/.exec(changelog) ?? [];
    expect(released).toBe(unreleased);
    expect(run('git', 'status', '--porcelain').stdout).toBe('');
  });

  it('refuses a version in which nothing has changed', () => {
    release();
    const again = release();
    expect(again.status).not.toBe(0);
    expect(again.stderr).toContain('CHANGELOG.md has nothing under Unreleased.');
    expect(run('git', 'tag').stdout).toBe('v0.2.0\n');
  });
});
