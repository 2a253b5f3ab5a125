import type { SourceName } from '../../src/domain/subject.js';
import { type ConfiguredSource, DIALECTS } from '../../src/sources/registry.js';
import type { Dialect } from '../../src/sources/source.js';

/** One source of each dialect, named like it, with the default settings. */
export const EVERY_DIALECT = Object.entries(DIALECTS).map(([name, dialect]) => sourceOf(name, dialect)) as [
  ConfiguredSource,
  ...ConfiguredSource[],
];

export function sourceOf(name: string, { settings = {} }: Dialect): ConfiguredSource {
  const values = Object.entries(settings).map(([key, setting]) => [key, setting.read(setting.fallback ?? '')]);
  return { name: name as SourceName, dialect: name, settings: Object.fromEntries(values) };
}
