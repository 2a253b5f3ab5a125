// The paths that take the callbacks of a source. A token comes before what the provider appends to the callback URL.
import type { RegisteredSource } from './registry.js';

export interface CallbackPath {
  readonly withoutToken: string;
  /** With the placeholder `:token`. */
  readonly withToken: string;
  /** What the dialect declares; '' for the callback URL itself. */
  readonly below: string;
}

export function callbackPaths({ name, dialect }: Pick<RegisteredSource, 'name' | 'dialect'>): readonly CallbackPath[] {
  return ['', ...(dialect.paths ?? [])].map((below) => ({
    withoutToken: `/callbacks/${name}${below}`,
    withToken: `/callbacks/${name}/:token${below}`,
    below,
  }));
}
