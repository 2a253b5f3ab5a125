// Builds the image without a container engine: the steps of the Dockerfile one by one, each stage in a folder that is the root
// folder (chroot) of its commands. A stage sees the machine's /usr and /etc, but cannot write to them, and has a /usr/local of
// its own with the Node.js version of the base image. This needs Linux and the right to mount.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { lastOf, readDockerfile, type Stage } from './dockerfile.js';

const REPOSITORY = join(import.meta.dirname, '..', '..');
const FOLDERS = ['/usr', '/etc', '/proc', '/dev', '/tmp', '/root/.npm'];
/** Links into /usr on most systems, folders on others. */
const PROGRAM_FOLDERS = ['/bin', '/sbin', '/lib', '/lib64'];

/** The base image has node there; the machine's own one is in the same /usr. */
const PATH = 'PATH=/usr/local/bin:/usr/bin:/bin';

/** Arguments: the root folder, `rw` or `ro`, the user, pairs of a folder and where it is mounted, writable, and the command after --. */
const ENTER = `
set -e
root=$1 mode=$2 user=$3
shift 3
mount --bind "$root" "$root"
for folder in /proc /dev /usr /etc ${PROGRAM_FOLDERS.join(' ')}; do
  if [ -d "$folder" ] && ! [ -L "$folder" ]; then mount --rbind "$folder" "$root$folder"; fi
done
mount -o remount,bind,ro "$root/usr"
mount -o remount,bind,ro "$root/etc"
mount --bind "$root/../local" "$root/usr/local"
while [ "$1" != -- ]; do
  mount --bind "$1" "$root$2"
  shift 2
done
shift
mount -o "remount,bind,$mode" "$root/usr/local"
mount -o "remount,bind,$mode" "$root"
exec chroot --userspec="$user" --groups= "$root" "$@"
`;

export function canMount(): boolean {
  return process.platform === 'linux' && spawnSync('unshare', ['--mount', 'true']).status === 0;
}

export class ImageBuild {
  readonly folder = mkdtempSync(join(tmpdir(), 'rollcall-image-'));
  readonly #stages = readDockerfile();
  readonly #image = lastOf(this.#stages);

  /** `isComplete`: installs the development dependencies, too, instead of using those of the repository. */
  constructor(private readonly isComplete: boolean) {}

  run(): void {
    execute(['chmod', '755', this.folder]);
    this.#prepareContext();
    this.#prepareBase();
    for (const stage of this.#stages) this.#build(stage);
  }

  /** What the image declares with this keyword. */
  declared(keyword: string): string {
    return this.#image.steps.find((step) => step.keyword === keyword)?.text ?? '';
  }

  get nodeVersion(): string {
    return /^node:(\d+\.\d+\.\d+)-/.exec(this.#image.from)?.[1] ?? '';
  }

  /** Where a path of the image, or of another stage, is on this machine. */
  path(path: string, stage = this.#image.name): string {
    const isLocal = path.startsWith('/usr/local');
    return join(this.folder, stage, isLocal ? path.slice('/usr'.length) : join('root', path));
  }

  /** The command line that runs a command in the image. Only the volume is writable, even for root. */
  commandLine(
    command: readonly string[],
    options: { user?: string; settings?: Record<string, string> } = {},
  ): string[] {
    const { user = this.declared('USER'), settings = {} } = options;
    const volume = this.declared('VOLUME');
    const assignments = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    const environment = ['env', `--chdir=${this.declared('WORKDIR')}`, PATH, ...this.declared('ENV').split(' ')];
    return this.#enter(
      this.#image,
      'ro',
      user,
      [this.path(volume), volume],
      [...environment, ...assignments, ...command],
    );
  }

  /** What .dockerignore lets through, readable by its owner only, as if checked out with a umask of 077. */
  #prepareContext(): void {
    const patterns = readFileSync(join(REPOSITORY, '.dockerignore'), 'utf8').trim().split('\n');
    const ignored = patterns.map((pattern) => join(REPOSITORY, pattern));
    for (const name of patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1))) {
      const filter = (source: string) => !ignored.includes(source);
      cpSync(join(REPOSITORY, name), join(this.folder, 'context', name), { recursive: true, filter });
    }
    execute(['chmod', '-R', 'go=', join(this.folder, 'context')]);
  }

  /** The /usr/local of the base image. Its npm is the one that runs the tests. */
  #prepareBase(): void {
    const base = join(this.folder, 'base');
    const name = `node-${process.platform}-${process.arch}`;
    execute(['npm', 'install', '--prefix', base, '--no-audit', '--no-fund', `${name}@${this.nodeVersion}`]);
    for (const path of ['bin', 'lib/node_modules']) mkdirSync(join(base, 'local', path), { recursive: true });
    execute(['cp', '-al', join(base, 'node_modules', name, 'bin', 'node'), join(base, 'local', 'bin')]);
    const npm = join(execute(['npm', 'root', '--global']), 'npm');
    execute(['cp', '-rL', npm, join(base, 'local', 'lib', 'node_modules')]);
    symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(base, 'local', 'bin', 'npm'));
  }

  #build(stage: Stage): void {
    this.#prepareRoot(stage);
    const mounts = [execute(['npm', 'config', 'get', 'cache']), '/root/.npm'];
    let folder = '/';
    for (const { keyword, text } of stage.steps) {
      if (keyword === 'WORKDIR') {
        folder = text;
        mkdirSync(this.path(folder, stage.name), { recursive: true });
      } else if (keyword === 'COPY') {
        this.#copy(stage, text, folder);
      } else if (keyword === 'RUN' && text === 'npm ci' && !this.isComplete) {
        mkdirSync(this.path(join(folder, 'node_modules'), stage.name));
        mounts.push(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
      } else if (keyword === 'RUN') {
        const command = ['env', `--chdir=${folder}`, 'HOME=/root', PATH, 'sh', '-c', text];
        execute(this.#enter(stage, 'rw', '0:0', mounts, command));
      }
    }
  }

  #prepareRoot(stage: Stage): void {
    const root = this.path('/', stage.name);
    for (const path of FOLDERS) mkdirSync(join(root, path), { recursive: true });
    for (const path of PROGRAM_FOLDERS.filter((path) => existsSync(path))) {
      if (lstatSync(path).isSymbolicLink()) symlinkSync(readlinkSync(path), join(root, path));
      else mkdirSync(join(root, path));
    }
    execute(['cp', '-al', join(this.folder, 'base', 'local'), this.path('/usr/local', stage.name)]);
  }

  #copy(stage: Stage, text: string, folder: string): void {
    const [, from, paths = ''] = /^(?:--from=(\S+) )?(.*)$/.exec(text) ?? [];
    const [target = '', ...sources] = paths.split(' ').toReversed();
    const destination = this.path(join(folder, target), stage.name);
    for (const source of sources) {
      const original = from ? this.path(source, from) : join(this.folder, 'context', source);
      execute(['cp', '-al', '-T', original, target.endsWith('/') ? join(destination, basename(source)) : destination]);
    }
  }

  #enter(
    stage: Stage,
    mode: 'ro' | 'rw',
    user: string,
    mounts: readonly string[],
    command: readonly string[],
  ): string[] {
    const args = [this.path('/', stage.name), mode, user, ...mounts, '--', ...command];
    return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', ENTER, 'sh', ...args];
  }
}

function execute([program = '', ...args]: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${[program, ...args].join(' ')} ended with ${status}:\n${stdout}${stderr}`);
  return stdout.trim();
}
