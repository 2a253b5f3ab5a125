import type { Dialect } from '../../src/sources/source.js';

/** The values that the settings of a dialect have when none is set. */
export function defaultSettings(settings: Dialect['settings'] = {}): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, setting]) => [key, setting.read(setting.fallback ?? '')]),
  );
}
