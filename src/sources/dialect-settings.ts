// Settings that several dialects have.
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
