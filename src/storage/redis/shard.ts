// The keys of one shard. All begin with the same hash tag, so that what one commit touches is in one slot of a cluster.
// `p:<key>` record · `due` by deadline · `sources` those that have been here · `changes` the feed · `epoch` names the feed's
// data · `ref:<ref>` the subject that a reference is bound to · `probe:<member>` only while probe-call.ts checks what can be
// written. Of each source: `s:<source>:state:<set>` participants, `s:<source>:<kind>:<name>:<set>` those of a group,
// `s:<source>:tags` tags with somebody present. A set is that of a state, scored by since, or one of the two that count devices.
import { createHash } from 'node:crypto';
import type { PresenceState } from '../../domain/presence-view.js';
import type { SourceName } from '../../domain/subject.js';
import type { SubjectKey } from '../encoding/subject-key.js';
import type { Group } from '../ports.js';

/**
 * `more`: one member for each present device of a participant beyond its first; `none`: participants that are present
 * without a device (leave grace). Both are small, and with them the number of devices is the size of sets, too.
 */
export type SetName = PresenceState | 'more' | 'none';

export class Shard {
  readonly recordPrefix: string;
  readonly sources: string;
  readonly due: string;
  readonly changes: string;
  readonly epoch: string;
  readonly #prefix: string;

  constructor(prefix: string, number: number) {
    this.#prefix = `${prefix}:{${number}}:`;
    this.recordPrefix = `${this.#prefix}p:`;
    this.sources = `${this.#prefix}sources`;
    this.due = `${this.#prefix}due`;
    this.changes = `${this.#prefix}changes`;
    this.epoch = `${this.#prefix}epoch`;
  }

  record(key: SubjectKey): string {
    return this.recordPrefix + key;
  }

  probe(member: string): string {
    return `${this.#prefix}probe:${member}`;
  }

  ref(ref: string): string {
    return `${this.#prefix}ref:${ref}`;
  }

  tags(source: SourceName): string {
    return `${this.#prefix}s:${source}:tags`;
  }

  /** What the keys of the sets of a source's tags begin with. */
  tagPrefix(source: SourceName): string {
    return `${this.#prefix}s:${source}:tag:`;
  }

  /** Without a group: of everybody of that source. */
  set(source: SourceName, name: SetName, group?: Group): string {
    const of = group ? `${group.kind}:${group.name}` : 'state';
    return `${this.#prefix}s:${source}:${of}:${name}`;
  }
}

/** Which of `count` shards a subject, or a reference, is in; the same for ever. */
export function shardNumber(id: string, count: number): number {
  return count === 1 ? 0 : createHash('sha1').update(id).digest().readUInt32BE() % count;
}
