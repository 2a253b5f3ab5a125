import fc from 'fast-check';

// The same random histories for every mutant, and no search for a smaller one that fails, too.
fc.configureGlobal({ seed: 1, numRuns: 25, endOnFailure: true });
process.env.TEST_LENGTH = 'brief';
