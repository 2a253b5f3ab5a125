import type { SourceName } from '../domain/subject.js';
import { invalidParameter } from './problem.js';

/** The configured sources, in order. The first one is the default of requests that name none. */
export class SourceNames {
  constructor(readonly all: readonly [SourceName, ...SourceName[]]) {}

  get first(): SourceName {
    return this.all[0];
  }

  /** Returns undefined if no name is given. Throws a problem if no source has the name. */
  parse(name: string | undefined): SourceName | undefined {
    if (name === undefined) return undefined;
    const source = this.all.find((one) => one === name);
    if (source === undefined) throw invalidParameter('source', `must be one of ${this.all.join(', ')}`);
    return source;
  }
}
