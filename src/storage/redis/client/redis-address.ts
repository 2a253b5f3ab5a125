// Where the servers of one store are, and how to connect to them.

/** `path`: that of a Unix socket. */
export type ServerPlace = { readonly host: string; readonly port: number } | { readonly path: string };

export interface Credentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** The contents of PEM files, and the name that the servers' certificates must have instead of the host. */
export interface TlsOptions {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly servername?: string | undefined;
}

export interface RedisAddress extends Credentials {
  readonly kind: 'standalone' | 'sentinel' | 'cluster';
  /** The server, the Sentinels, or some of the nodes of the cluster. */
  readonly servers: readonly [ServerPlace, ...ServerPlace[]];
  /** As the Sentinels call it. */
  readonly master?: string | undefined;
  /** The user of the Sentinels. */
  readonly sentinel?: Credentials | undefined;
  readonly database: number;
  readonly isTls: boolean;
  readonly tls?: TlsOptions | undefined;
}

const PROTOCOLS = { standalone: '', sentinel: '+sentinel', cluster: '+cluster' } as const;

/** For log lines: without credentials. */
export function formatRedisAddress({ kind, servers, master, database, isTls }: RedisAddress): string {
  const [first] = servers;
  if ('path' in first) return `unix://${first.path}${database === 0 ? '' : `?db=${database}`}`;
  const protocol = `${isTls ? 'rediss' : 'redis'}${PROTOCOLS[kind]}`;
  const end =
    master === undefined ? suffix('/', database) : `/${encodeURIComponent(master)}${suffix('?db=', database)}`;
  return `${protocol}://${servers.map(formatPlace).join(',')}${end}`;
}

export function formatPlace(place: ServerPlace): string {
  if ('path' in place) return place.path;
  return `${place.host.includes(':') ? `[${place.host}]` : place.host}:${place.port}`;
}

/** Several servers, as in a sentence. */
export function formatPlaces(places: readonly ServerPlace[]): string {
  return places.map(formatPlace).join(', ');
}

function suffix(separator: string, database: number): string {
  return database === 0 ? '' : `${separator}${database}`;
}
