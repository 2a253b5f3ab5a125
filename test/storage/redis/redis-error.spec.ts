// Verbatim error messages of the servers. Those of 7.0 are from a running 7.0.15, the others from the servers' source code:
// script_lua.c, scripting.c (6.2) and server.c.
import { describe, expect, it } from '@jest/globals';
import { ReplyError } from 'ioredis';
import { redisErrorCode, requiresReconnect } from '../../../src/storage/redis/client/redis-error.js';

const SHA = '37df4df413367c4b19e0d18a348b4e33caf764e6';
const in62 = (message: string) => `ERR Error running script (call to f_${SHA}): @user_script:12: ${message}`;
const in70 = (message: string) => `${message} script: ${SHA}, on @user_script:1.`;

const READONLY = "READONLY You can't write against a read only replica.";
const OOM = "OOM command not allowed when used memory > 'maxmemory'.";
const WRONGTYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value';
const MISCONF =
  'MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk. Commands that may modify the data set are disabled.';

describe('the code of an error', () => {
  it.each([
    ['6.2, 7.0, 7.2, 8, Valkey', READONLY, 'READONLY'],
    ['6.2 in a script', in62(`@user_script: 12: -${READONLY} `), 'READONLY'],
    ['7.0 and later in a script', in70(READONLY), 'READONLY'],
    ['6.2 in a script', in62(`@user_script: 12: -${OOM} `), 'OOM'],
    ['7.0 and later in a script', in70(OOM), 'OOM'],
    ['6.2 in a script', in62(WRONGTYPE), 'WRONGTYPE'],
    ['7.0 and later in a script', in70(WRONGTYPE), 'WRONGTYPE'],
    ['6.2 in a script', in62(`@user_script: 12: -${MISCONF} `), 'MISCONF'],
    ['7.0 and later', MISCONF, 'MISCONF'],
    ['Valkey', MISCONF.replace('Redis', 'Valkey'), 'MISCONF'],
    ['7.0 and later in a script', in70('NOREPLICAS Not enough good replicas to write.'), 'NOREPLICAS'],
    ['all', 'LOADING Redis is loading the dataset in memory', 'LOADING'],
    ['Valkey', 'LOADING Valkey is loading the dataset in memory', 'LOADING'],
    ['6.2, 7.0', "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'MASTERDOWN'],
    ['all', 'CLUSTERDOWN Hash slot not served', 'CLUSTERDOWN'],
    ['all', 'MOVED 3999 127.0.0.1:6381', 'MOVED'],
    [
      'all',
      'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
      'UNBLOCKED',
    ],
    ['all', 'NOAUTH Authentication required.', 'NOAUTH'],
    ['all', 'WRONGPASS invalid username-password pair or user is disabled.', 'WRONGPASS'],
    ['all', 'NOSCRIPT No matching script. Please use EVAL.', 'NOSCRIPT'],
    ['6.2, 7.0', "NOPERM this user has no permissions to run the 'zadd' command", 'NOPERM'],
    ['7.2 and later', "NOPERM User rollcall has no permissions to run the 'zadd' command", 'NOPERM'],
    [
      '6.2 in a script',
      in62("@user_script: 12: The user executing the script can't run this command or subcommand"),
      'NOPERM',
    ],
    ['7.0 in a script', in70("ERR The user executing the script can't run this command or subcommand"), 'NOPERM'],
    [
      '7.0 in a script',
      in70(
        "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments",
      ),
      'NOPERM',
    ],
    [
      '7.2 and later in a script',
      in70("ERR ACL failure in script: User rollcall has no permissions to run the 'zadd' command"),
      'NOPERM',
    ],
    ['7.0 and later', `EXECABORT Transaction discarded because of: ${READONLY}`, 'READONLY'],
    ['all', 'ERR syntax error', 'ERR'],
    ['all', 'something without a code', 'ERR'],
  ])('of %s: %s', (_, message, code) => {
    expect(redisErrorCode(new ReplyError(message))).toBe(code);
  });

  it('of a discarded transaction is that of the command that Redis refused to queue', () => {
    const error = new ReplyError('EXECABORT Transaction discarded because of previous errors.');
    expect(redisErrorCode(Object.assign(error, { previousErrors: [new ReplyError(READONLY)] }))).toBe('READONLY');
  });

  it('is undefined if the connection failed', () => {
    expect(redisErrorCode(new Error('READONLY is not what a socket says'))).toBeUndefined();
  });

  it('requires a reconnect if the server is not the primary or not ready', () => {
    const reconnecting = [
      READONLY,
      in62(`@user_script: 12: -${READONLY} `),
      in70(READONLY),
      'LOADING x',
      'UNBLOCKED x',
    ];
    for (const message of reconnecting) expect(requiresReconnect(new ReplyError(message))).toBe(true);
    for (const message of [OOM, WRONGTYPE, MISCONF]) expect(requiresReconnect(new ReplyError(message))).toBe(false);
  });
});
