// The options of the client library for a connection to one server.
import type { RedisOptions } from 'ioredis';
import type { Durability } from '../durability.js';
import type { Credentials, RedisAddress, ServerPlace, TlsOptions } from './redis-address.js';
import type { Allowance } from './redis-fault.js';

export const CONNECT_TIMEOUT_MS = 1_000;
/** Of commands that may block for a second. */
export const BLOCKING_TIMEOUT_MS = 2_000;

export interface RedisTarget {
  readonly address: RedisAddress;
  /** What is accepted of the server although it can lose data. */
  readonly allowed?: ReadonlySet<Allowance>;
  readonly durability?: Durability;
}

export interface Access extends Credentials {
  readonly isTls: boolean;
  readonly tls?: TlsOptions | undefined;
}

export function connectionOptions(place: ServerPlace, { isTls, tls = {}, username, password }: Access): RedisOptions {
  return { ...place, username, password, ...(isTls && { tls: definedOf(tls) }) };
}

/** Node takes an undefined option for one that is set. */
export function definedOf(tls: TlsOptions): TlsOptions {
  return Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
}
