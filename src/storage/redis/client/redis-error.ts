// Extracts the code of an error reply. Replies start with a code such as READONLY, but scripts and transactions wrap them,
// differently in each version:
//   6.2  ERR Error running script (call to f_…): @user_script:12: @user_script: 12: -READONLY You can't write …
//   7.0  READONLY You can't write against a read only replica. script: …, on @user_script:12.
//   7.0  ERR The user executing the script can't run this command or subcommand script: …   (no code at all)

const IN_SCRIPT = /@user_script: ?\d+: -?([A-Z]{2,}) /;
const IN_TRANSACTION = /^EXECABORT .*because of: -?([A-Z]{2,}) /;
const PERMISSION = /user executing the script can't|ACL failure in script/;
const FIRST_WORD = /^-?([A-Z]{2,})(?: |$)/;

/** undefined: not an error reply, for example a lost connection. */
export function redisErrorCode(from: unknown): string | undefined {
  const error = replyError(from);
  if (!error) return undefined;
  if (PERMISSION.test(error.message)) return 'NOPERM';
  for (const form of [IN_SCRIPT, IN_TRANSACTION, FIRST_WORD]) {
    const [, code] = form.exec(error.message) ?? [];
    if (code !== undefined) return code;
  }
  return 'ERR';
}

/** undefined: not an error reply. Of a discarded transaction, ioredis keeps the errors that caused it: the first of them. */
export function replyError(error: unknown): Error | undefined {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return undefined;
  const [cause] = (error as { previousErrors?: unknown[] }).previousErrors ?? [];
  return cause === undefined ? error : replyError(cause);
}

/** The server has changed its role or is still starting: a new connection may reach the right server. */
export function requiresReconnect(error: unknown): boolean {
  return ['READONLY', 'UNBLOCKED', 'MASTERDOWN', 'LOADING'].includes(redisErrorCode(error) ?? '');
}
