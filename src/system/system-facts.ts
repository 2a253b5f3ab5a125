import type { SourceName } from '../domain/subject.js';

/** What is known of the service when it starts. */
export interface SystemFacts {
  readonly store: 'redis' | 'sqlite';
  /** The limits of the feed. */
  readonly feed: { readonly retentionMs: number; readonly maxBytes: number };
  readonly hasHistory: boolean;
  readonly sources: readonly { readonly name: SourceName; readonly dialect: string }[];
  /** undefined: not configured. */
  readonly publicUrl: string | undefined;
}

export const SYSTEM_FACTS = Symbol('SystemFacts');
