import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { closeOnce } from './leftovers.js';

const ROOT = join(import.meta.dirname, '..');
const FLAGS = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];

it('lets Jest exit after a test that fails with open servers, processes and connections', async () => {
  const fixture = ['--selectProjects', 'e2e', '--testMatch', '<rootDir>/test/failing.fixture.ts'];
  const args = ['node_modules/jest/bin/jest.js', '--runInBand', ...fixture];
  const jest = spawn(process.execPath, [...FLAGS, ...args], { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] });
  closeOnce(() => jest.kill('SIGKILL'));
  let output = '';
  jest.stderr.on('data', (text) => {
    output += String(text);
  });
  // The output is closed only after the children of Jest have ended, too.
  const [code] = await once(jest, 'close');
  expect(output).toContain('Expected: "closed"');
  expect(code).toBe(1);
});
