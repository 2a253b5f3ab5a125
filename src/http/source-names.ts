import type { SourceName } from '../domain/subject.js';
import { invalidParameter } from './problem.js';

/** The sources that are configured, in order. A request that names none means the first one. */
export class SourceNames {
  constructor(readonly all: readonly [SourceName, ...SourceName[]]) {}

  get first(): SourceName {
    return this.all[0];
  }

  /** Throws a problem when no source has that name. undefined: none was given. */
  parse(name: string | undefined): SourceName | undefined {
    if (name === undefined) return undefined;
    const source = this.all.find((one) => one === name);
    if (source === undefined) throw invalidParameter('source', `must be one of ${this.all.join(', ')}`);
    return source;
  }
}
