// Parses REDIS_URL. The client library never sees the URL: it interprets some URLs differently, throws on others that are valid,
// and knows neither Sentinel nor Cluster.
import type { Credentials, RedisAddress, ServerPlace } from './redis-address.js';

const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26379;
/** Beyond any real deployment. */
const MAX_SERVERS = 100;

const FORMS =
  'must be a URL like redis://host:6379 or rediss://:password@host:6380/0, redis+sentinel://host:26379,host:26379/master, ' +
  'redis+cluster://host:6379,host:6379 or unix:///path/to/socket; special characters of a password must be percent-encoded';
const NO_QUERY = 'must not have a query or a fragment; a ? or # in a password must be written as %3F or %23';

const QUERY_NAMES = ['db', 'sentinelUsername', 'sentinelPassword'] as const;
type Query = Partial<Record<(typeof QUERY_NAMES)[number], string>>;

interface UrlParts {
  /** Between the slashes and the path. */
  readonly authority: string;
  readonly path: string;
  readonly query: string | undefined;
}

/** Throws an error phrased to follow the name of the setting, and without any part of the URL. */
export function parseRedisUrl(text: string): RedisAddress {
  const [, scheme = '', authority = '', path = '', query] =
    /^([a-z+]+):\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/i.exec(text) ?? [];
  // URL parsers silently drop tabs and line breaks.
  if (/[\s\p{Cc}]/u.test(text)) throw new Error(FORMS);
  const parts = { authority, path, query };
  switch (scheme.toLowerCase()) {
    case 'redis':
    case 'rediss':
      return standalone(parts, isTls(scheme));
    case 'redis+sentinel':
    case 'rediss+sentinel':
      return sentinel(parts, isTls(scheme));
    case 'redis+cluster':
    case 'rediss+cluster':
      return cluster(parts, isTls(scheme));
    case 'unix':
      return unixSocket(parts);
    default:
      throw new Error(/^rediss?:.*#/i.test(text) ? NO_QUERY : FORMS);
  }
}

function isTls(scheme: string): boolean {
  return scheme.toLowerCase().startsWith('rediss');
}

function standalone({ authority, path, query }: UrlParts, isTls: boolean): RedisAddress {
  if (query !== undefined) throw new Error(NO_QUERY);
  const { credentials, servers } = authorityOf(authority, DEFAULT_PORT);
  if (servers.length > 1) throw new Error('must name one server, or begin with redis+sentinel:// or redis+cluster://');
  return { kind: 'standalone', servers, database: databaseOf(path), isTls, ...credentials };
}

function sentinel({ authority, path, query }: UrlParts, isTls: boolean): RedisAddress {
  const { credentials, servers } = authorityOf(authority, DEFAULT_SENTINEL_PORT);
  const master = decoded(path.slice(1));
  if (!/^[\w.-]{1,100}$/.test(master)) {
    throw new Error('must name the master after the Sentinels, like redis+sentinel://host:26379/mymaster');
  }
  const { db = '', sentinelUsername: username, sentinelPassword: password } = queryOf(query, QUERY_NAMES);
  const ofSentinel = password === undefined ? undefined : { ...(username && { username }), password };
  const database = databaseOf(db);
  return { kind: 'sentinel', servers, master, sentinel: ofSentinel, database, isTls, ...credentials };
}

function cluster({ authority, path, query }: UrlParts, isTls: boolean): RedisAddress {
  if (query !== undefined) throw new Error(NO_QUERY);
  const { credentials, servers } = authorityOf(authority, DEFAULT_PORT);
  if (databaseOf(path) !== 0) throw new Error('must not name a database: a Redis Cluster has only database 0');
  return { kind: 'cluster', servers, database: 0, isTls, ...credentials };
}

function unixSocket({ authority, path, query }: UrlParts): RedisAddress {
  const at = authority.lastIndexOf('@');
  if (at !== authority.length - 1 || path.length < 2) {
    throw new Error('must have the path of the socket after the slashes, like unix:///run/redis.sock');
  }
  const { db = '' } = queryOf(query, ['db']);
  const credentials = credentialsOf(authority.slice(0, Math.max(at, 0)));
  return {
    kind: 'standalone',
    servers: [{ path: decoded(path) }],
    database: databaseOf(db),
    isTls: false,
    ...credentials,
  };
}

function authorityOf(authority: string, defaultPort: number) {
  const at = authority.lastIndexOf('@');
  const [first = '', ...others] = authority.slice(at + 1).split(',');
  if (others.length >= MAX_SERVERS) throw new Error(`must not name more than ${MAX_SERVERS} servers`);
  const servers: [ServerPlace, ...ServerPlace[]] = [
    serverOf(first, defaultPort),
    ...others.map((server) => serverOf(server, defaultPort)),
  ];
  return { credentials: credentialsOf(authority.slice(0, Math.max(at, 0))), servers };
}

function serverOf(text: string, defaultPort: number): ServerPlace {
  const [, name, ipv6, port] = /^(?:([\w.-]{1,253})|\[([\da-f:.]+)\])(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = name ?? ipv6;
  if (host === undefined || !URL.canParse(`redis://${text.replace(/:\d+$/, '')}`)) {
    throw new Error('must have a host: a name, or an address with IPv6 in brackets');
  }
  if (Number(port ?? 1) > 65_535) throw new Error(FORMS);
  if (port !== undefined && Number(port) === 0) throw new Error('must not have port 0');
  return { host, port: port === undefined ? defaultPort : Number(port) };
}

function credentialsOf(userInfo: string): Credentials {
  const [username = '', ...password] = userInfo.split(':');
  if (userInfo === '' || userInfo === ':') return {};
  return { ...(username && { username: decoded(username) }), password: decoded(password.join(':')) };
}

function queryOf(text: string | undefined, names: readonly (keyof Query)[]): Query {
  const parameters = [...new URLSearchParams(text ?? '')];
  const isKnown = parameters.every(([name]) => (names as readonly string[]).includes(name));
  if (isKnown) return Object.fromEntries(parameters);
  throw new Error(`must have no parameters but ${names.join(', ')}; a ? in a password must be written as %3F`);
}

function databaseOf(text: string): number {
  const [, database] = /^\/?(\d{0,9})$/.exec(text) ?? [];
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
