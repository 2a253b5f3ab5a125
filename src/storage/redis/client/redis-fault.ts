// Explains in one line why Redis cannot be used. Never includes the messages of the client library, or of the server, which
// may quote a command with a password.
import type { Durability } from '../durability.js';
import { redisErrorCode } from './redis-error.js';

export interface RedisFault {
  /** Each kind of fault is reported once per outage. */
  readonly kind: string;
  readonly message: string;
  /** Waiting does not help. */
  readonly isPermanent: boolean;
}

/** The server as far as it matters for explanations. */
export interface ServerName {
  /** Like `Redis at host:6379`. */
  readonly name: string;
  readonly isTls: boolean;
  readonly username?: string | undefined;
  readonly database: number;
  /** The setting that has the password. */
  readonly setting?: string;
}

/** The fault is known already. */
export class FaultError extends Error {
  override readonly name = 'FaultError';

  constructor(readonly fault: RedisFault) {
    super(fault.message);
  }
}

const UNREACHABLE = 'unreachable';
const CLOSED = 'connection closed';
const TIMED_OUT = 'no answer in time';

const NETWORK_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: CLOSED,
  EPIPE: CLOSED,
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'host not found',
  ETIMEDOUT: TIMED_OUT,
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the host',
};

/** What a server answers to a client without a certificate, or with one that it does not trust. */
const CLIENT_CERTIFICATE_ALERT = /alert[_ ].*(certificate|unknown[_ ]ca)/i;
const CERTIFICATE_CODE = /CERT|UNABLE_TO_(GET|VERIFY)|SIGNATURE|ERR_TLS/;

/** The fault of a failed connection attempt. `error`: undefined if the server closed the connection. */
export function connectFault(error: unknown, server: ServerName): RedisFault {
  const fault = faultOf(error, server);
  if (server.isTls && fault.message.endsWith(TIMED_OUT)) {
    return { ...fault, message: `${fault.message}; use redis:// if it does not expect TLS` };
  }
  if (!server.isTls && fault.message.endsWith(CLOSED)) {
    return {
      ...fault,
      message: `${fault.message} before it answered; use rediss:// if it expects TLS, and do not connect through a proxy such as Twemproxy`,
    };
  }
  return fault;
}

/** The fault of a lost connection. `error`: undefined if the server closed it. */
export function faultOf(error: unknown, server: ServerName): RedisFault {
  if (error instanceof FaultError) return error.fault;
  const code = redisErrorCode(error);
  if (code !== undefined) return replyFault(code, error as Error, server);
  const { code: reason = '', message = '' } = (error ?? { code: 'ECONNRESET' }) as { code?: string; message?: string };
  if (CLIENT_CERTIFICATE_ALERT.test(`${reason} ${message}`)) {
    return fault('tls', `${server.name} requires a client certificate that it trusts: see REDIS_TLS_CERT_FILE`);
  }
  if (reason === 'EPROTO' || reason.startsWith('ERR_SSL')) {
    return fault('tls', `${server.name} does not speak TLS: use redis:// unless another port does`);
  }
  if (CERTIFICATE_CODE.test(reason)) {
    return fault('tls', `the certificate of ${server.name} is not trusted (${reason}): see REDIS_TLS_CA_FILE`);
  }
  if (message.startsWith('Unknown RESP type')) {
    const hint = server.isTls ? '' : ' without TLS: use rediss:// if it expects TLS';
    return fault('protocol', `${server.name} does not speak the Redis protocol${hint}`);
  }
  const isTimeout = /timed? ?out/i.test(message);
  const known = NETWORK_REASONS[reason] ?? (isTimeout ? TIMED_OUT : undefined);
  return fault(UNREACHABLE, `cannot reach ${server.name}: ${known ?? (reason || 'connection lost')}`);
}

/** Servers that are refused unless UNSAFE_REDIS names the reason. */
export const ALLOWABLE = ['eviction', 'old-version'] as const;

export type Allowance = (typeof ALLOWABLE)[number];

/** The value of a field of the reply to INFO. */
export function infoField(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1];
}

/** `info`: the reply to INFO. undefined: the server can be used. */
export function serverFault(
  info: string,
  server: ServerName,
  { allowed, durability }: { readonly allowed: ReadonlySet<Allowance>; readonly durability: Durability },
): RedisFault | undefined {
  const field = (name: string) => infoField(info, name);
  const at = server.name;
  if (field('redis_mode') === 'sentinel') return permanent('sentinel', `${at} is a Sentinel, which stores no data`);
  // Valkey reports the Redis version that it is compatible with, 7.2.4 since its first release.
  const version = field('redis_version') ?? 'unknown';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = !(major > 6 || (major === 6 && minor >= 2));
  if (isOld && !allowed.has('old-version')) {
    return permanent(
      'version',
      `${at} is version ${version}: Rollcall needs Redis 6.2, Valkey 7.2 or later. Upgrade it, or set UNSAFE_REDIS=old-version`,
    );
  }
  if (durability === 'fsync' && !(major > 7 || (major === 7 && minor >= 2))) {
    return permanent('version', `${at} is version ${version}: DURABILITY=fsync needs Redis or Valkey 7.2 or later`);
  }
  const policy = field('maxmemory_policy') ?? 'noeviction';
  if (policy !== 'noeviction' && !allowed.has('eviction')) {
    return permanent(
      'eviction',
      `${at} may delete presence when its memory is full (maxmemory-policy ${policy}): put "maxmemory-policy noeviction" ` +
        'into redis.conf, or set UNSAFE_REDIS=eviction',
    );
  }
  if (field('loading') === '1') return fault(UNREACHABLE, `${at} is loading its data`);
  if (field('role') === 'slave') return fault('replica', `${at} is a read-only replica`);
  return undefined;
}

function replyFault(code: string, error: Error, server: ServerName): RedisFault {
  const at = server.name;
  switch (code) {
    case 'WRONGPASS': {
      const orUser = server.username === undefined ? '' : ', or its user is unknown or disabled';
      return permanent('password', `${at} refused the password${orUser}`);
    }
    case 'NOAUTH':
      return permanent('password', `${at} requires a password: add it to ${server.setting ?? 'REDIS_URL'}`);
    case 'DENIED':
      return permanent('protected', `${at} is in protected mode and accepts local connections only`);
    case 'NOPERM':
      return fault(
        'permission',
        `${at} denies the Redis user permissions that Rollcall needs to connect: see docs/redis.md`,
      );
    case 'LOADING':
      return fault(UNREACHABLE, `${at} is loading its data`);
    case 'READONLY':
    case 'UNBLOCKED':
    case 'MASTERDOWN':
      return fault('replica', `${at} is a read-only replica`);
  }
  const { name = '' } = (error as { command?: { name?: string } }).command ?? {};
  if (name === 'info') {
    return permanent(
      'proxy',
      `${at} does not support INFO: Rollcall needs a Redis or Valkey server without a proxy in front`,
    );
  }
  if (name === 'select') {
    return permanent('database', `${at} has no database ${server.database}`);
  }
  if (error.message.includes('max number of clients')) {
    return fault('clients', `${at} has reached its maximum number of clients (maxclients)`);
  }
  return fault('reply', `${at} answered ${code} while Rollcall connected`);
}

function fault(kind: string, message: string): RedisFault {
  return { kind, message, isPermanent: false };
}

function permanent(kind: string, message: string): RedisFault {
  return { kind, message, isPermanent: true };
}
