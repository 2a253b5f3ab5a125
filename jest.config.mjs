import { availableParallelism } from 'node:os';
import { specsByProject } from './test/projects.mjs';

const REQUIRED_ESM =
  'cookie|content-disposition|glob|minimatch|brace-expansion|balanced-match|path-scurry|lru-cache|minipass';

const common = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  modulePathIgnorePatterns: ['<rootDir>/.stryker-tmp/'],
  cacheDirectory: '<rootDir>/node_modules/.cache/jest', // else the system temp folder, shared by everything on the machine
  setupFilesAfterEnv: ['<rootDir>/test/each-test-asserts.ts', '<rootDir>/test/leftovers.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  // Jest has no require(esm) before Node 24.9, and some CommonJS packages here require() ESM ones.
  transformIgnorePatterns: [`/node_modules/(?!(${REQUIRED_ESM})/)`],
  transform: {
    '^.+\\.ts$': ['@swc/jest'],
    [`/node_modules/(${REQUIRED_ESM})/.+\\.js$`]: ['@swc/jest', { swcrc: false, jsc: { target: 'es2023' } }],
  },
};

/** @type {import('jest').Config} */
export default {
  // Jest keeps the modules of every spec that a worker has run, and collecting garbage takes ever longer.
  workerIdleMemoryLimit: '500MB',
  testTimeout: 120_000,
  maxWorkers: availableParallelism(), // Many tests also run servers and clusters, which must answer within a second.
  projects: Object.entries(specsByProject()).map(([displayName, specs]) => ({
    ...common,
    displayName,
    ...(displayName !== 'unit' && { globalSetup: `<rootDir>/test/setup/${displayName}.mjs` }),
    ...(displayName === 'storage' && { globalTeardown: '<rootDir>/test/setup/storage-end.mjs' }),
    testMatch: specs.map((spec) => `<rootDir>/${spec}`),
  })),
};
