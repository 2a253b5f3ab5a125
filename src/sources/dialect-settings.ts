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
