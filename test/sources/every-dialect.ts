import type { SourceName } from '../../src/domain/subject.js';
import { type ConfiguredSource, DIALECTS } from '../../src/sources/registry.js';
import type { Dialect, DialectSetting } from '../../src/sources/source.js';
import { SIGNED_DIALECTS } from './signed-dialects.js';

/** One source of each dialect, named like it, with the default settings, and the secrets of the tests. */
export const EVERY_DIALECT = Object.entries(DIALECTS).map(([name, dialect]) => sourceOf(name, dialect)) as [
  ConfiguredSource,
  ...ConfiguredSource[],
];

export function sourceOf(name: string, { settings = {} }: Dialect): ConfiguredSource {
  const secrets = SIGNED_DIALECTS.find((dialect) => dialect.name === name)?.settings(1) ?? {};
  const textOf = (setting: DialectSetting) =>
    secrets[setting.name.replace('SOURCE_<NAME>_', '')] ?? setting.fallback ?? '';
  const values = Object.entries(settings).map(([key, setting]) => [key, setting.read(textOf(setting))]);
  return { name: name as SourceName, dialect: name, settings: Object.fromEntries(values) };
}
