import type { SourceName } from '../../src/domain/subject.js';
import type { Group, IndexEntry } from '../../src/storage/ports.js';

export const BANDWIDTH = 'bandwidth' as SourceName;

export interface IndexParts extends Partial<Omit<IndexEntry, 'source' | 'groups'>> {
  source?: string;
  tag?: string;
  scope?: string;
  id?: string;
}

export const NONE_KNOWN = { available: 0, busy: 0 };

export const tagged = (name: string): Group<'tag'> => ({ kind: 'tag', name });

/** By default a participant connected with one device and no deadline soon. */
export function indexOf({ source = BANDWIDTH, tag, scope, id, ...parts }: IndexParts = {}): IndexEntry {
  const names = Object.entries({ tag, scope, id }) as ['tag' | 'scope' | 'id', string | undefined][];
  const groups = names.flatMap(([kind, name]): IndexEntry['groups'] => (name === undefined ? [] : [{ kind, name }]));
  const defaults = { state: 'connected', sinceMs: 1, devices: 1, dueMs: 9e12 } as const;
  return { ...defaults, source: source as SourceName, groups, ...parts };
}
