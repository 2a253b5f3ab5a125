import { beforeEach, expect } from '@jest/globals';

// A test that checks nothing cannot fail.
beforeEach(() => expect.hasAssertions());
