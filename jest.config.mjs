const REQUIRED_ESM =
  'cookie|content-disposition|glob|minimatch|brace-expansion|balanced-match|path-scurry|lru-cache|minipass';

/** @type {import('jest').Config} */
export default {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  cacheDirectory: '<rootDir>/node_modules/.cache/jest', // else the system temp folder, shared by everything on the machine
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  setupFilesAfterEnv: ['<rootDir>/test/each-test-asserts.ts', '<rootDir>/test/leftovers.ts'],
  testTimeout: 60_000,
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  // Jest has no require(esm) before Node 24.9, and some CommonJS packages here require() ESM ones.
  transformIgnorePatterns: [`/node_modules/(?!(${REQUIRED_ESM})/)`],
  transform: {
    '^.+\\.ts$': ['@swc/jest'],
    [`/node_modules/(${REQUIRED_ESM})/.+\\.js$`]: ['@swc/jest', { swcrc: false, jsc: { target: 'es2023' } }],
  },
};
