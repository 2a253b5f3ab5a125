import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { specsByProject } from './projects.mjs';

const ROOT = join(import.meta.dirname, '..');
const { unit, storage, e2e, browser } = specsByProject() as Record<string, string[]>;

it.each([
  ['unit', unit, /from '(.*\/(stores|redis-server|service|process|browser)\.js|node:child_process)'/],
  ['storage', storage, /from '(.*\/(service|process|browser)\.js|node:child_process)'/],
  ['e2e', e2e, /from '.*\/browser\.js'/],
])('no spec of the project %s imports what the project does not provide', (_, specs = [], others) => {
  expect(specs.length).toBeGreaterThan(10);
  expect(specs.filter((spec) => others.test(readFileSync(join(ROOT, spec), 'utf8')))).toEqual([]);
});

it('each spec is in exactly one project', () => {
  const all = [unit, storage, e2e, browser].flatMap((specs = []) => specs);
  expect(new Set(all).size).toBe(all.length);
  expect(all).toContain('test/projects.spec.ts');
});
