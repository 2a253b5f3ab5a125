// All dialects, and the configured sources that use them. A new dialect needs a folder and a line here.
import type { SourceName } from '../domain/subject.js';
import { bandwidth } from './bandwidth/bandwidth-source.js';
import type { Dialect, Source } from './source.js';

export const DIALECTS: Readonly<Record<string, Dialect>> = { bandwidth };

export interface ConfiguredSource {
  readonly name: SourceName;
  readonly dialect: string;
}

export interface RegisteredSource {
  readonly name: SourceName;
  readonly dialect: Dialect;
  readonly source: Source;
}

export class SourceRegistry {
  readonly all: readonly RegisteredSource[];

  /** Throws for a dialect that does not exist. */
  constructor(sources: readonly ConfiguredSource[], dialects: Readonly<Record<string, Dialect>> = DIALECTS) {
    this.all = sources.map(({ name, dialect: dialectName }) => {
      const dialect = dialects[dialectName];
      if (!dialect) throw new Error(`the source ${name} has the unknown dialect ${dialectName}`);
      return { name, dialect, source: dialect.create(name) };
    });
  }
}
