// What kind of error Redis has answered with. Its replies begin with a code word such as READONLY, but scripts and
// transactions wrap them, each version in its own way:
//   6.2  ERR Error running script (call to f_…): @user_script:12: @user_script: 12: -READONLY You can't write …
//   7.0  READONLY You can't write against a read only replica. script: …, on @user_script:12.
//   7.0  ERR The user executing the script can't run this command or subcommand script: …   (no code word at all)

const IN_SCRIPT = /@user_script: ?\d+: -?([A-Z]{2,}) /;
const IN_TRANSACTION = /^EXECABORT .*because of: -?([A-Z]{2,}) /;
const PERMISSION = /user executing the script can't|ACL failure in script/;
const FIRST_WORD = /^-?([A-Z]{2,})(?: |$)/;

/** The code word of a reply; undefined for an error that is none, such as a lost connection. */
export function redisErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return undefined;
  // Of a transaction that was discarded, ioredis keeps the errors that made Redis discard it.
  const [cause] = (error as { previousErrors?: unknown[] }).previousErrors ?? [];
  if (cause !== undefined) return redisErrorCode(cause);
  if (PERMISSION.test(error.message)) return 'NOPERM';
  for (const form of [IN_SCRIPT, IN_TRANSACTION, FIRST_WORD]) {
    const [, code] = form.exec(error.message) ?? [];
    if (code !== undefined) return code;
  }
  return 'ERR';
}

/** The server has changed its role, or is not done starting: another connection may reach another server, or a later state. */
export function callsForReconnect(error: unknown): boolean {
  return ['READONLY', 'UNBLOCKED', 'MASTERDOWN', 'LOADING'].includes(redisErrorCode(error) ?? '');
}
