/** A failure that the operator can fix: the message names the setting and the fix, and is logged without a stack trace. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
