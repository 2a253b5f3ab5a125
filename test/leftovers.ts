// Resources that the tests of a file have opened but not closed. A failed test or hook closes nothing more, and Jest never exits
// while a server, a process or a connection is open. So whatever opens one registers a function here that closes it.
import { afterAll } from '@jest/globals';

const leftovers = new Set<() => unknown>();
let areAllClosed = false;

/** Returns a function that calls `close` once. If the test does not call it, it is called after the tests of the file. */
export function closeOnce<T>(close: () => T): () => T {
  let closed: { readonly result: T } | undefined;
  const closeFirst = () => {
    leftovers.delete(closeFirst);
    closed ??= { result: close() };
    return closed.result;
  };
  leftovers.add(closeFirst);
  // A test that timed out continues to run, and may open more.
  if (areAllClosed) setImmediate(closeFirst);
  return closeFirst;
}

afterAll(async () => {
  areAllClosed = true;
  // In reverse order: a service is stopped before the Redis that it uses.
  for (const close of [...leftovers].reverse()) await close();
});
