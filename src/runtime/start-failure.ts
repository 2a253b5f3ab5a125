/** One line that says why the process cannot start. Must load on any version of Node.js, so it imports nothing. */
export function startFailure(error: unknown): string {
  const { message, code = '' } = error as Error & { code?: string };
  // When a module is missing, Node lists the files that required it on the following lines.
  const [reason] = message.split('\n');
  const advice = code.endsWith('MODULE_NOT_FOUND') ? '. Install the dependencies: npm ci --omit=dev' : '';
  return `Rollcall cannot start: ${reason}${advice}`;
}
