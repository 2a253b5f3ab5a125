/** The one line that says why the process cannot start. It must load on any Node.js, and so imports nothing. */
export function startFailure(error: unknown): string {
  const { message, code = '' } = error as Error & { code?: string };
  // Where a module is missing, Node lists the files that wanted it below.
  const [reason] = message.split('\n');
  const advice = code.endsWith('MODULE_NOT_FOUND') ? '. Install the dependencies: npm ci --omit=dev' : '';
  return `Rollcall cannot start: ${reason}${advice}`;
}
