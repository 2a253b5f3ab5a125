import type { SubjectKey } from '../../src/storage/encoding/subject-key.js';
import type { Changeset, PageCursor } from '../../src/storage/ports.js';
import { type IndexParts, indexOf } from './index-entry.js';

export const keyNamed = (name: string) => name as SubjectKey;

/** A participant as a store sees it; `text` stands in for its record. */
export function stored(text: string, index: IndexParts = {}) {
  return {
    record: text,
    index: indexOf({ sinceMs: 1_000, dueMs: 9_000, ...index }),
  };
}

export function arrival(name: string, index: IndexParts = {}, changes: string | null = null): Changeset {
  return { key: keyNamed(name), before: null, after: stored(`${name} 1`, index), changes };
}

export const keysOf = (items: readonly PageCursor[]) => items.map(({ key }) => key);
