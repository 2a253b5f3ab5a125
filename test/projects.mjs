// The Jest project of each spec. It is derived from what the spec imports, directly or through other test files, so that a spec
// cannot be in a project that does not provide what it needs.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/** The imports that require each project: test files, folders of them, or packages. The most demanding project comes first. */
const PROJECT_IMPORTS = [
  ['browser', ['test/simulator/browser.ts']],
  ['e2e', ['test/e2e/', 'test/simulator/start-simulator.ts', 'node:child_process']],
  ['storage', ['test/contract/stores.ts', 'test/storage/redis/', 'test/history/postgres-server.ts']],
];

/** These start only a database, so importing them does not make a spec an end-to-end test. */
const NOT_FOLLOWED = ['test/storage/redis/redis-server.ts', 'test/history/postgres-server.ts'];

/** Paths of the specs, relative to the root, by project. */
export function specsByProject() {
  const missing = PROJECT_IMPORTS.flatMap(([, marks]) => marks).filter(
    (mark) => mark.startsWith('test/') && !existsSync(join(ROOT, mark)),
  );
  if (missing.length > 0) throw new Error(`test/projects.mjs names files that do not exist: ${missing.join(', ')}`);
  const specs = readdirSync(join(ROOT, 'test'), { recursive: true }).filter((name) => name.endsWith('.spec.ts'));
  const projects = { unit: [], storage: [], e2e: [], browser: [] };
  for (const spec of specs.map((name) => join('test', name)).sort()) projects[projectOf(spec)].push(spec);
  return projects;
}

function projectOf(spec) {
  const imported = [...importsOf(spec)];
  const isImported = (mark) => imported.some((name) => name.startsWith(mark));
  return PROJECT_IMPORTS.find(([, marks]) => marks.some(isImported))?.[0] ?? 'unit';
}

/** The file and everything that it imports, directly or through other test files. */
function importsOf(file, found = new Set()) {
  if (found.has(file)) return found;
  found.add(file);
  if (!file.startsWith('test/') || NOT_FOLLOWED.includes(file) || !existsSync(join(ROOT, file))) return found;
  for (const [, name] of readFileSync(join(ROOT, file), 'utf8').matchAll(/\bfrom '([^']+)'/g)) {
    importsOf(name.startsWith('.') ? sourceOf(join(dirname(file), name)) : name, found);
  }
  return found;
}

function sourceOf(path) {
  return normalize(path).replace(/\.js$/, '.ts');
}
