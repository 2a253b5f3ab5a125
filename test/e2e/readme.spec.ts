// Runs the commands and programs in the README and the documents unchanged, with and without API keys.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../eventually.js';
import { RedisServer } from '../storage/redis/redis-server.js';
import { ServiceProcess } from './process.js';
import { SEED } from './service.js';
import { Shell } from './shell.js';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const README = read('README.md');
const CHANGES = read('docs/changes.md');
const DOCUMENTED_URL = 'http://127.0.0.1:3000';

/** The code blocks in this language. */
function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code = '']) => code);
}

function markdownIn(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
}

/** The response without the values that differ each time. */
function withoutVariable(answer: string): unknown {
  const variable = ['position', 'asOf', 'version'];
  return JSON.parse(answer, (name, value: unknown) => (variable.includes(name) ? typeof value : value));
}

/** Makes a key and its entry for API_KEYS with the command in the README. */
function makeKey(): { key: string; entry: string } {
  const [, command = ''] = /`(npm run --silent key -- [^`]+)`/.exec(README) ?? [];
  const { stdout } = spawnSync('bash', ['-c', command], { cwd: ROOT, encoding: 'utf8' });
  const [key = '', entry = ''] = stdout.split('\n').map((line) => line.split(': ')[1]?.trim() ?? '');
  return { key, entry };
}

describe.each([
  ['without keys', false],
  ['with keys', true],
])('the README, %s', (_, hasKeys) => {
  let folder: string;
  let service: ServiceProcess;
  let shells: Shell[];
  let key: string;
  let settings: Record<string, string>;
  beforeAll(() => {
    const made = hasKeys ? makeKey() : { key: '', entry: '' };
    key = made.key;
    expect(key).toMatch(hasKeys ? /^rollcall_/ : /^$/);
    settings = { API_KEYS: made.entry };
  });
  beforeEach(async () => {
    shells = [];
    folder = mkdtempSync(join(tmpdir(), 'rollcall-readme-'));
    service = await ServiceProcess.start({ DATA_DIR: join(folder, 'data'), ...settings });
  });
  afterEach(async () => {
    await Promise.all(shells.map((shell) => shell.end('SIGKILL')));
    await service.end('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  function run(command: string): Shell {
    // The README says which option to add to curl when there are keys.
    const [, header = ''] = /add `(-H [^`]+)`/.exec(README) ?? [];
    expect(header).not.toBe('');
    const withKey = hasKeys ? command.replace(/curl (.*\/v1\/)/g, `curl ${header} $1`) : command;
    const shell = Shell.run(withKey.replaceAll(DOCUMENTED_URL, service.url), { ROLLCALL_KEY: key }, folder);
    shells.push(shell);
    return shell;
  }

  const arrive = (participantId: string, parts: Record<string, unknown> = {}) =>
    service.post('/callbacks/bandwidth', { ...SEED, ...parts, participantId });

  it('is complemented by a working purge loop in docs/security.md', async () => {
    const loop = blocks(read('docs/security.md'), 'bash').find((block) => block.startsWith('query=')) ?? '';
    const since = new Date(Date.now() - 600_000).toISOString();
    const purge = async (changed: string) => {
      const shell = Shell.run(changed, { ROLLCALL_KEY: key, ROLLCALL_URL: service.url }, folder);
      shells.push(shell);
      expect([await shell.ended, shell.errors]).toEqual([0, '']);
      return shell.output;
    };
    await arrive('forged');
    const counting = loop.replace(/since=[^&]*&until=[^&]*/, `since=${since}`);
    expect(counting).toContain('dryRun=true');
    expect(await purge(counting)).toBe('{"matched":1,"purged":0}\n');
    expect(await purge(counting.replace('&dryRun=true', ''))).toBe('{"matched":1,"purged":1}\n');
    expect(await purge(counting)).toBe('{"matched":0,"purged":0}\n');
  });

  it('has commands with the documented output', async () => {
    const examples = [...README.matchAll(/```bash\n(curl[^`]+)```\n+```(json|text)\n([^`]+)```/g)];
    expect(examples).toHaveLength(3);
    for (const [, command = '', kind, expected = ''] of examples) {
      const shell = run(command);
      expect(await shell.ended).toBe(0);
      if (kind === 'text') expect(shell.output.replaceAll('\r', '')).toContain(expected);
      else expect(withoutVariable(shell.output)).toEqual(withoutVariable(expected));
    }
  });

  it('has commands that follow changes', async () => {
    await arrive('before');
    const shell = run(blocks(README, 'bash').find((block) => block.startsWith('position=')) ?? '');
    for (let n = 0; !shell.output.includes('event: participant.connected'); n += 1) await arrive(`followed-${n}`);
    const [poll = '', events] = shell.output.split(/(?=retry: \d+\n)/);
    const { items } = JSON.parse(poll);
    expect(items.slice(0, 2)).toMatchObject([{ type: 'device.connected' }, { type: 'participant.connected' }]);
    expect(poll).not.toContain('"before"');
    const [, change] = items;
    expect(events).toContain(
      `id: ${change.position}\nevent: participant.connected\ndata: ${JSON.stringify(change)}\n\n`,
    );
    const documented = /```text\nid: .*\nevent: (.*)\ndata: (.*)\n```/.exec(README)?.slice(1) ?? [];
    expect(Object.keys(JSON.parse(documented[1] ?? ''))).toEqual(
      expect.arrayContaining(Object.keys(change).filter((name) => name !== 'cause')),
    );
  });

  it('is complemented by a program in docs/changes.md that lists, follows, and lists again after missed changes', async () => {
    const [program = ''] = blocks(CHANGES, 'js');
    writeFileSync(join(folder, 'follow.mjs'), program);
    await arrive('listed');
    const start = (environment: Record<string, string>) => {
      const all = { ROLLCALL_URL: service.url, ROLLCALL_KEY: key, ...environment };
      const shell = Shell.run('node follow.mjs', all, folder);
      shells.push(shell);
      return shell;
    };
    const following = start({});
    for (let n = 0; !following.output; n += 1) await arrive(`followed-${n}`);
    await arrive('listed', { event: 'onLeave' });
    await eventually(() =>
      expect(following.output).toMatch(/^followed-\d+ connected \(\d+ present\)\n[\s\S]*listed gone/),
    );
    // Another store at the same address does not know the positions of the first one.
    const { port } = new URL(service.url);
    await service.end('SIGKILL');
    service = await ServiceProcess.start({ DATA_DIR: join(folder, 'another'), PORT: port, ...settings });
    for (let n = 0; !following.output.includes('another'); n += 1) await arrive(`another-${n}`);
    // No participant of the first store may be left.
    const [, index, count] = /another-(\d+) connected \((\d+) present\)/.exec(following.output) ?? [];
    expect(Number(count)).toBeLessThanOrEqual(Number(index) + 1);
    if (!hasKeys) return;
    const refused = start({ ROLLCALL_KEY: 'wrong' });
    expect(await refused.ended).toBe(1);
    expect(refused.errors).toContain('urn:rollcall:problem:unauthorized');
  });
});

describe('the README and the documents', () => {
  it('contain a client program without type errors', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-readme-'));
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const compilerOptions = {
      strict: true,
      allowJs: true,
      checkJs: true,
      noEmit: true,
      skipLibCheck: true,
      module: 'nodenext',
      lib: ['es2022', 'dom'],
      types: ['node'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['follow.mjs'] }));
    const compile = (program: string) => {
      writeFileSync(join(folder, 'follow.mjs'), program);
      return spawnSync(join(ROOT, 'node_modules', '.bin', 'tsc'), [], { cwd: folder, encoding: 'utf8' }).stdout;
    };
    const [program = ''] = blocks(CHANGES, 'js');
    expect(compile(program)).toBe('');
    expect(compile(program.replace('headers.get', 'headers.gte'))).toContain('TS2339');
    rmSync(folder, { recursive: true });
  });

  it('contain a source without type errors, in CONTRIBUTING.md', () => {
    const [program = ''] = blocks(read('CONTRIBUTING.md'), ' *ts');
    const folder = mkdtempSync(join(ROOT, 'node_modules', '.cache', 'readme-'));
    const compile = (source: string) => {
      writeFileSync(
        join(folder, 'acme-source.ts'),
        source.replaceAll(/'(\.\.\/\.\.|\.\.)\//g, (_, up: string) =>
          up === '..' ? "'../../../src/sources/" : "'../../../src/",
        ),
      );
      const options = {
        extends: '../../../tsconfig.json',
        compilerOptions: { noEmit: true },
        include: [],
        files: ['acme-source.ts'],
      };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options));
      return spawnSync(join(ROOT, 'node_modules', '.bin', 'tsc'), [], { cwd: folder, encoding: 'utf8' }).stdout;
    };
    expect(compile(program)).toBe('');
    expect(compile(program.replace('identifierFault(value)', 'identifierFaults(value)'))).toContain('TS2552');
    rmSync(folder, { recursive: true });
  });

  it('contain commands that start the service, all of which work', async () => {
    const redis = await RedisServer.start();
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-readme-'));
    const all = [README, read('docs/scaling.md')]
      .flatMap((text) => blocks(text, 'bash'))
      .join('')
      .split('\n');
    const commands = all.filter((line) => line.endsWith('npm start'));
    expect(commands.length).toBeGreaterThanOrEqual(5);
    for (const command of commands) {
      const real = command.replace('redis://127.0.0.1:6379', redis.url).replace(/PORT=\d+/, 'PORT=0');
      const shell = Shell.run(real, { PORT: '0', DATA_DIR: folder });
      await eventually(() => expect(shell.output).toMatch(/Rollcall listens on http/));
      expect(shell.output).toContain(
        command.includes('REDIS_URL') ? `stores presence in Redis` : 'stores presence in SQLite',
      );
      await shell.end('SIGINT');
    }
    rmSync(folder, { recursive: true });
    await redis.stop();
  }, 180_000);

  it('contain only tested commands, and mention only existing npm scripts', () => {
    const isTested = (block: string) => /^(curl|position=|query=)|npm start$/m.test(block) || block === 'npm test\n';
    const withCommands = [README, CHANGES, read('docs/scaling.md'), read('docs/security.md')];
    const documented = withCommands.flatMap((text) => blocks(text, 'bash'));
    expect(documented.filter((block) => !isTested(block))).toEqual([]);
    const { scripts } = JSON.parse(read('package.json'));
    const texts = ['README.md', 'CONTRIBUTING.md', ...markdownIn('docs')].map(read);
    const mentioned = texts.flatMap((text) => [...text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)]);
    expect(mentioned.map(([, name = '']) => name).filter((name) => !(name in scripts))).toEqual([]);
    expect(mentioned.length).toBeGreaterThan(10);
  });

  it('refer only to existing files and sections', () => {
    const documents = ['README.md', 'CONTRIBUTING.md', ...markdownIn('docs')];
    const anchorsOf = (file: string) =>
      [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\w\s-]/g, '')
          .replaceAll(' ', '-'),
      );
    const missing = documents.flatMap((document) => {
      const text = read(document);
      const paths = [...text.matchAll(/`((?:src|simulator|test|bench|scripts|docs)\/[\w./-]+)`/g)];
      const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)];
      const absentLinks = links.filter(([, path = '', anchor]) => {
        const file = path === '' ? document : join(dirname(document), path);
        return !existsSync(join(ROOT, file)) || (anchor !== undefined && !anchorsOf(file).includes(anchor));
      });
      const absentPaths = paths.filter(([, path = '']) => !existsSync(join(ROOT, path)) && !path.includes('/dist'));
      return [...absentPaths, ...absentLinks].map(([found]) => `${document}: ${found}`);
    });
    expect(missing).toEqual([]);
    expect(documents.length).toBeGreaterThan(10);
  });
});
