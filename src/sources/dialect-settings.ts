// Settings that several dialects have.
import { plainUrl } from '../runtime/plain-url.js';
import type { DialectSetting } from './source.js';

/** For providers that give no reason for an end. */
export const reasonlessEnd: DialectSetting<'disconnected' | 'left'> = {
  name: 'SOURCE_<NAME>_REASONLESS_END',
  purpose:
    'What an end without a reason counts as: disconnected (default), after which the device is reconnecting for the grace period, or left.',
  fallback: 'disconnected',
  read(text) {
    if (text === 'disconnected' || text === 'left') return text;
    throw new Error('must be disconnected or left');
  },
};

/** A comma-separated list of secrets, so that they can be rotated. `each`: what they are like, phrased to follow the name of the list. */
export function secretList(
  name: DialectSetting['name'],
  { purpose, pattern, each }: { readonly purpose: string; readonly pattern: RegExp; readonly each: string },
): DialectSetting<readonly string[]> {
  return {
    name,
    purpose,
    read(text) {
      const secrets = text.split(',').map((secret) => secret.trim());
      if (secrets.every((secret) => pattern.test(secret))) return secrets;
      throw new Error(`must be a comma-separated list of ${each}`);
    },
  };
}

/** For signatures with a time, where the provider may send a signature again. `reason`: of the default, phrased to follow it. */
export function maxSignatureAgeMs(reason: string, defaultHours = 2): DialectSetting<number> {
  const fallback = String(defaultHours * 3_600_000);
  return {
    name: 'SOURCE_<NAME>_MAX_SIGNATURE_AGE_MS',
    purpose: `How old the signature of a webhook may be. Default: ${fallback} (${defaultHours} h), ${reason}.`,
    fallback,
    read(text) {
      const value = Number(text);
      if (/^\d+$/.test(text) && value >= 1_000 && value <= 86_400_000) return value;
      throw new Error('must be a whole number from 1000 to 86400000');
    },
  };
}

/** Where the provider's API is, for reconciliation. */
export function apiUrl<F extends string>(fallback: F): DialectSetting<F extends '' ? string | undefined : string> {
  return {
    name: 'SOURCE_<NAME>_API_URL',
    purpose:
      fallback === ''
        ? 'URL of the API of the provider, for reconciliation. Default: none; reconciliation is off for this source.'
        : 'URL of the API of the provider, for reconciliation.',
    fallback,
    read: (text) => (text === '' ? undefined : baseUrl(text)) as F extends '' ? string | undefined : string,
  };
}

/** Without a slash at the end. LiveKit gives its URL with the scheme for clients, `wss`. */
function baseUrl(text: string): string {
  const url = plainUrl(text.replace(/^ws(s?:)/, 'http$1'));
  if (url !== undefined) return url;
  throw new Error('must be a URL like https://api.example.com, without credentials or a query');
}

export const accountId: DialectSetting<string | undefined> = {
  name: 'SOURCE_<NAME>_ACCOUNT_ID',
  purpose:
    'Account id for the API of the provider, for reconciliation. Default: none; reconciliation is off for this source.',
  fallback: '',
  read(text) {
    if (text === '') return undefined;
    if (/^[\w.-]{1,64}$/.test(text)) return text;
    throw new Error('must be 1 to 64 letters, digits or any of _ . -');
  },
};

export const apiCredentials: DialectSetting<string | undefined> = {
  name: 'SOURCE_<NAME>_API_CREDENTIALS',
  purpose:
    'Credentials for the API of the provider, as id:secret, for reconciliation. Default: none; reconciliation is off for this source.',
  fallback: '',
  read(text) {
    if (text === '') return undefined;
    if (/^[^\s:]+:\S+$/.test(text)) return text;
    throw new Error('must be id:secret');
  },
};
