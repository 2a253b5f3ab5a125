// Parses REDIS_URL. The client library never sees the URL: it interprets some URLs differently and throws on others that are
// valid.

const DEFAULT_PORT = 6379;

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly isTls: boolean;
  readonly username?: string;
  readonly password?: string;
}

/** Throws an error phrased to follow the name of the setting, and without any part of the URL. */
export function parseRedisUrl(text: string): RedisAddress {
  const isRedis = URL.canParse(text) && /^rediss?:$/.test(new URL(text).protocol);
  // URL parsers silently drop tabs and line breaks.
  if (!isRedis || /[\s\p{Cc}]/u.test(text)) {
    throw new Error(
      'must be a URL like redis://host:6379 or rediss://:password@host:6380/0; special characters of a password must be percent-encoded',
    );
  }
  // `search` and `hash` do not show an empty query or fragment.
  if (/[?#]/.test(text)) {
    throw new Error('must not have a query or a fragment; a ? or # in a password must be written as %3F or %23');
  }
  const { protocol, hostname, port, pathname, username, password } = new URL(text);
  if (port === '0') throw new Error('must not have port 0');
  return {
    host: hostOf(hostname),
    port: port === '' ? DEFAULT_PORT : Number(port),
    database: databaseOf(pathname),
    isTls: protocol === 'rediss:',
    ...(username && { username: decoded(username) }),
    ...((username || password) && { password: decoded(password) }),
  };
}

/** For log lines: without credentials. */
export function formatRedisAddress({ host, port, database, isTls }: RedisAddress): string {
  return `${isTls ? 'rediss' : 'redis'}://${hostAndPort({ host, port })}${database === 0 ? '' : `/${database}`}`;
}

export function hostAndPort({ host, port }: Pick<RedisAddress, 'host' | 'port'>): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function hostOf(hostname: string): string {
  if (/^[\w.-]{1,253}$/.test(hostname)) return hostname;
  const [, ipv6] = /^\[([\da-f:.]+)\]$/i.exec(hostname) ?? [];
  if (ipv6 !== undefined) return ipv6;
  throw new Error('must have a host: a name, or an address with IPv6 in brackets');
}

function databaseOf(pathname: string): number {
  const [, database] = /^\/?(\d{0,9})$/.exec(pathname) ?? [];
  if (database !== undefined) return Number(database);
  throw new Error('must end after the port, or with the number of a database, like /0');
}

function decoded(credential: string): string {
  try {
    return decodeURIComponent(credential);
  } catch {
    throw new Error('must have percent-encoded credentials; a % in a password must be written as %25');
  }
}
