// Runs only the tests of the rules, as Stryker does for each mutant.
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
