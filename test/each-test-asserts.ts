import { beforeEach, expect } from '@jest/globals';

// A test without assertions cannot fail.
beforeEach(() => expect.hasAssertions());
