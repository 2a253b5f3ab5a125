/** @type {import('jest').Config} */
export default {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  cacheDirectory: '<rootDir>/node_modules/.cache/jest', // else the system temp folder, shared by everything on the machine
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  setupFilesAfterEnv: ['<rootDir>/test/each-test-asserts.ts'],
  testTimeout: 60_000,
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  // Jest has no require(esm) before Node 24.9; light-my-request (CommonJS) require()s cookie 2 (ESM only).
  transformIgnorePatterns: ['/node_modules/(?!cookie/)'],
  transform: {
    '^.+\\.ts$': ['@swc/jest'],
    '/node_modules/cookie/.+\\.js$': ['@swc/jest', { swcrc: false, jsc: { target: 'es2023' } }],
  },
};
