// What the tests of a file have opened and not closed. A test that fails closes nothing more, a hook that fails even less,
// and Jest never exits while a server, a process or a connection is open. So whatever opens one registers its end here.
import { afterAll } from '@jest/globals';

const leftovers = new Set<() => unknown>();
let areAllClosed = false;

/** Returns `close`, to be called once: by the test, or else when the tests of the file have ended. */
export function closeOnce<T>(close: () => T): () => T {
  let closed: { readonly result: T } | undefined;
  const closeFirst = () => {
    leftovers.delete(closeFirst);
    closed ??= { result: close() };
    return closed.result;
  };
  leftovers.add(closeFirst);
  // A test that took too long goes on, and opens more.
  if (areAllClosed) setImmediate(closeFirst);
  return closeFirst;
}

afterAll(async () => {
  areAllClosed = true;
  // The last first: a service is stopped before the Redis it was started on.
  for (const close of [...leftovers].reverse()) await close();
});
