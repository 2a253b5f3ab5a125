// The keys of one shard. All begin with the same hash tag, so that what one commit touches is in one slot of a cluster.
// `p:<id>` record · `state:<set>` and `tag:<tag>:<set>` participants · `tags` tags with somebody present · `due` by
// deadline · `changes` the feed · `epoch` names the feed's data · `ref:<ref>` the participant
// that a reference is bound to · `probe:<member>` only while probe-call.ts checks what can be written. A set is that
// of a state, scored by since, or one of the two that count devices.
import { createHash } from 'node:crypto';
import type { ParticipantId } from '../domain/lifecycle-event.js';
import type { PresenceState } from '../domain/presence-view.js';

/**
 * `more`: one member for each present device of a participant beyond its first; `none`: participants that are present
 * without a device (leave grace). Both are small, and with them the number of devices is the size of sets, too.
 */
export type SetName = PresenceState | 'more' | 'none';

export class Shard {
  readonly recordPrefix: string;
  readonly tagPrefix: string;
  readonly tags: string;
  readonly due: string;
  readonly changes: string;
  readonly epoch: string;
  readonly #prefix: string;

  constructor(prefix: string, number: number) {
    this.#prefix = `${prefix}:{${number}}:`;
    this.recordPrefix = `${this.#prefix}p:`;
    this.tagPrefix = `${this.#prefix}tag:`;
    this.tags = `${this.#prefix}tags`;
    this.due = `${this.#prefix}due`;
    this.changes = `${this.#prefix}changes`;
    this.epoch = `${this.#prefix}epoch`;
  }

  record(participantId: ParticipantId): string {
    return this.recordPrefix + participantId;
  }

  probe(member: string): string {
    return `${this.#prefix}probe:${member}`;
  }

  ref(ref: string): string {
    return `${this.#prefix}ref:${ref}`;
  }

  set(name: SetName, tag?: string): string {
    return tag === undefined ? `${this.#prefix}state:${name}` : `${this.tagPrefix}${tag}:${name}`;
  }
}

/** Which of `count` shards a participant, or a reference, is in; the same for ever. */
export function shardNumber(id: string, count: number): number {
  return count === 1 ? 0 : createHash('sha1').update(id).digest().readUInt32BE() % count;
}
