// A secret in a header that the provider adds to each callback. Some providers that sign nothing can be configured to send one.
import { digestOf, indexOfSecret } from '../../auth/secret.js';
import type { Authentication, DialectSetting, RawCallback } from '../source.js';

export interface FixedHeader {
  /** In lower case. */
  readonly name: string;
  /** Digests of the accepted values. */
  readonly digests: readonly Buffer[];
}

export function authenticateFixedHeader({ name, digests }: FixedHeader, { headers }: RawCallback): Authentication {
  const value = headers[name];
  if (value === undefined || value === '') return { outcome: 'rejected', reason: 'no-credentials' };
  const isKnown = indexOfSecret(String(value), digests) !== -1;
  return isKnown ? { outcome: 'authentic' } : { outcome: 'rejected', reason: 'wrong-secret' };
}

/** undefined: the source relies on a secret in the URL or on Basic credentials. */
export const callbackHeader: DialectSetting<FixedHeader | undefined> = {
  name: 'SOURCE_<NAME>_CALLBACK_HEADER',
  purpose:
    'A header that each callback must have, as `name: value`; of several values, separated by commas, any one. Each value has at least 32 characters. Default: none; the URL or Basic credentials must have a callback secret.',
  fallback: '',
  read(text) {
    if (text === '') return undefined;
    const [, name, list = ''] = /^([\w-]{1,64}):(.*)$/.exec(text) ?? [];
    const values = list.split(',').map((value) => value.trim());
    // Node.js decodes other characters of a header as Latin-1.
    const areValid = values.every((value) => /^[\x20-\x7e]{32,1024}$/.test(value));
    if (name !== undefined && areValid) return { name: name.toLowerCase(), digests: values.map(digestOf) };
    throw new Error('must be name: value, or name: value, value, …; each value of 32 to 1024 characters of ASCII');
  },
};
