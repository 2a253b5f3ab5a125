import fc from 'fast-check';

// Uses the same random histories for every mutant, and does not shrink failures.
fc.configureGlobal({ seed: 1, numRuns: 25, endOnFailure: true });
process.env.TEST_LENGTH = 'brief';
