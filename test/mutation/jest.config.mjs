// The tests of the rules alone, as Stryker runs them for each change.
import { join } from 'node:path';
import all from '../../jest.config.mjs';

const { displayName: _, ...unit } = all.projects.find(({ displayName }) => displayName === 'unit');

export default {
  ...unit,
  rootDir: join(import.meta.dirname, '..', '..'),
  testMatch: ['<rootDir>/test/mutation/rules.ts'],
  testEnvironment: join(import.meta.dirname, 'environment.cjs'),
  setupFiles: ['<rootDir>/test/mutation/same-histories.ts'],
};
