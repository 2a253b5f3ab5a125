// API keys and their scopes. Keys are configured as digests, so that the configuration does not reveal them.
import { indexOfSecret } from './secret.js';

export const SCOPES = ['read', 'admin', 'metrics'] as const;
export type Scope = (typeof SCOPES)[number];

export interface ApiKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** SHA-256 of the key. */
  readonly digest: Buffer;
}

const ENTRY = /^([\w.-]{1,64}):([a-z+]+):([\da-f]{64})$/;

/** Parses a comma-separated list of `name:scopes:sha256hex`, scopes joined by `+`. Error messages never contain the text. */
export function parseApiKeys(text: string): ApiKey[] {
  const keys = text.split(',').map((entry): ApiKey => {
    const [, name = '', scopes = '', hex = ''] = ENTRY.exec(entry.trim()) ?? [];
    const known = scopes.split('+').filter((scope): scope is Scope => SCOPES.some((one) => one === scope));
    if (name === '' || known.length !== scopes.split('+').length) {
      throw new Error(
        `must be a comma-separated list of name:scopes:sha256hex, scopes of ${SCOPES.join('+')}; npm run key makes one`,
      );
    }
    return { name, scopes: known, digest: Buffer.from(hex, 'hex') };
  });
  if (new Set(keys.map(({ name }) => name)).size < keys.length) throw new Error('must not contain a name twice');
  // Only one of the entries, with its scopes, would ever be found.
  const digests = new Set(keys.map(({ digest }) => digest.toString('hex')));
  if (digests.size < keys.length) throw new Error('must not contain a key twice');
  return keys;
}

/** The configured key that matches the bearer token of an Authorization header. */
export function findApiKey(authorization: string | undefined, keys: readonly ApiKey[]): ApiKey | undefined {
  const [, key] = /^Bearer +(\S{1,256}) *$/i.exec(authorization ?? '') ?? [];
  return key === undefined
    ? undefined
    : keys[
        indexOfSecret(
          key,
          keys.map(({ digest }) => digest),
        )
      ];
}
