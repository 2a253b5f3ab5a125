// npm run mutation: mutates the rules of presence in many small ways, one at a time, and counts how many mutants the tests kill.

/** The folder of the rules, below src/, and of their tests, below test/. */
export const RULES = 'domain';

export default {
  mutate: [`src/${RULES}/**/*.ts`],
  ignorePatterns: ['bench', 'data', 'dist', 'reports'],
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
  jest: { configFile: 'test/mutation/jest.config.mjs', enableFindRelatedTests: false },
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // Reruns only what has changed since the last run.
  incremental: true,
  incrementalFile: 'reports/mutation/incremental.json',
  reporters: ['progress-append-only', 'clear-text', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  htmlReporter: { fileName: 'reports/mutation/index.html' },
  jsonReporter: { fileName: 'reports/mutation/report.json' },
  thresholds: { high: 95, low: 85, break: 85 },
  timeoutMS: 10_000,
};
