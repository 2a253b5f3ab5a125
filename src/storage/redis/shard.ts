// The keys of one shard. All share a hash tag, so that one commit stays within one slot of a cluster.
// `p:<key>` record · `due` keys by deadline · `sources` known sources · `changes` the feed · `epoch` identifies the feed's
// data · `ref:<ref>` the subject that a reference is bound to · `refs` the references by expiry · `probe:<member>` only during a health check (probe-call.ts)
// `ends:<target>` the ends of a room or device · `kept-ends` all of them by expiry · `pending-ends` those that are not settled (end-store.ts)
// `lease:<name>` the token of its holder, `lease-token:<name>` the last one, `lease-note:<name>` (all in shard 0)
// `watch` a counter that reveals lost data (server-watch.ts) · `incidents` the open ones by time · `incident:<id>` every one
// `meta` how the data is laid out (store-meta.ts)
// `quarantine` what is known of quarantined callbacks, by id · `quarantined:<id>` the body of each (these three only in shard 0)
// `webhook-settings` the ids of endpoints and rules, `webhook-setting:<id>` each, `webhook-revision` · `webhook-states` the ids of endpoints
// with deliveries, `webhook-state:<id>`, `webhook-attempts:<id>`, `webhook-dead-letters:<id>` · `occupancy-events` by number,
// `occupancy-tags` the tags with since when each is empty, `occupancy-state` (all in shard 0)
// `labels` which labels are indexed (label-index.ts)
// Per source: `s:<source>:state:<set>` participants, `s:<source>:<kind>:<name>:<set>` those of a group, `s:<source>:tags` tags
// with participants present, `s:<source>:labels` such labels. `<set>` is a state or a known availability (scored by since), or one
// of the two sets that count devices.
import { createHash } from 'node:crypto';
import type { KnownAvailability } from '../../domain/availability.js';
import type { ParticipantState } from '../../domain/presence-view.js';
import type { SourceName } from '../../domain/subject.js';
import type { SubjectKey } from '../encoding/subject-key.js';
import type { Group } from '../ports.js';
import type { TimedId } from '../timed-id.js';
import type { DeliveryLog } from '../webhook-ports.js';
import { slotOf } from './client/slot.js';

/**
 * `more` has one member for each present device of a participant beyond the first; `none` has the participants that are
 * present without a device (leave grace). Both are small, and let devices be counted from the sizes of sets alone.
 */
export type SetName = ParticipantState | KnownAvailability | 'more' | 'none';

/** The kinds of groups whose names are listed. */
export const NAMED_KINDS = ['tag', 'label'] as const;
type NamedKind = (typeof NAMED_KINDS)[number];

export class Shard {
  /** The slot of all its keys, in a cluster. */
  readonly slot: number;
  readonly recordPrefix: string;
  readonly sources: string;
  readonly due: string;
  readonly changes: string;
  readonly epoch: string;
  readonly watch: string;
  readonly incidents: string;
  readonly quarantine: string;
  readonly webhookSettings: string;
  readonly webhookRevision: string;
  readonly webhookStates: string;
  readonly occupancyEvents: string;
  readonly occupancyTags: string;
  readonly occupancyState: string;
  readonly pendingEnds: string;
  readonly keptEnds: string;
  readonly labels: string;
  readonly refs: string;
  /** Only in shard 0; see store-meta.ts. */
  readonly meta: string;
  readonly #prefix: string;

  constructor(
    prefix: string,
    readonly number: number,
  ) {
    this.#prefix = `${prefix}:{${number}}:`;
    this.slot = slotOf(this.#prefix);
    this.recordPrefix = `${this.#prefix}p:`;
    this.sources = `${this.#prefix}sources`;
    this.due = `${this.#prefix}due`;
    this.changes = `${this.#prefix}changes`;
    this.epoch = `${this.#prefix}epoch`;
    this.watch = `${this.#prefix}watch`;
    this.incidents = `${this.#prefix}incidents`;
    this.quarantine = `${this.#prefix}quarantine`;
    this.meta = `${this.#prefix}meta`;
    this.webhookSettings = `${this.#prefix}webhook-settings`;
    this.webhookRevision = `${this.#prefix}webhook-revision`;
    this.webhookStates = `${this.#prefix}webhook-states`;
    this.occupancyEvents = `${this.#prefix}occupancy-events`;
    this.occupancyTags = `${this.#prefix}occupancy-tags`;
    this.occupancyState = `${this.#prefix}occupancy-state`;
    this.pendingEnds = `${this.#prefix}pending-ends`;
    this.keptEnds = `${this.#prefix}kept-ends`;
    this.labels = `${this.#prefix}labels`;
    this.refs = `${this.#prefix}refs`;
  }

  record(key: SubjectKey): string {
    return this.recordPrefix + key;
  }

  probe(member: string): string {
    return `${this.#prefix}probe:${member}`;
  }

  incident(id: string): string {
    return `${this.#prefix}incident:${id}`;
  }

  quarantined(id: TimedId): string {
    return `${this.#prefix}quarantined:${id}`;
  }

  ends(target: string): string {
    return `${this.#prefix}ends:${target}`;
  }

  lease(name: string): string {
    return `${this.#prefix}lease:${name}`;
  }

  leaseToken(name: string): string {
    return `${this.#prefix}lease-token:${name}`;
  }

  leaseNote(name: string): string {
    return `${this.#prefix}lease-note:${name}`;
  }

  webhookSetting(id: string): string {
    return `${this.#prefix}webhook-setting:${id}`;
  }

  webhookState(endpointId: string): string {
    return `${this.#prefix}webhook-state:${endpointId}`;
  }

  webhookLog(log: DeliveryLog, endpointId: string): string {
    return `${this.#prefix}webhook-${log}:${endpointId}`;
  }

  ref(ref: string): string {
    return `${this.#prefix}ref:${ref}`;
  }

  /** The names of groups of a source that have participants present. */
  names(source: SourceName, kind: NamedKind): string {
    return `${this.#prefix}s:${source}:${kind}s`;
  }

  /** The prefix of the sets of the groups of a kind. */
  kindPrefix(source: SourceName, kind: NamedKind): string {
    return `${this.#prefix}s:${source}:${kind}:`;
  }

  /** Without a group: the set of the whole source. */
  set(source: SourceName, name: SetName, group?: Group): string {
    return this.setPrefix(source, group) + name;
  }

  /** The prefix of the sets of a group or, without one, of the whole source. */
  setPrefix(source: SourceName, group?: Group): string {
    const of = group ? `${group.kind}:${group.name}` : 'state';
    return `${this.#prefix}s:${source}:${of}:`;
  }
}

/** The shard of a subject or a reference. Must never change for stored data. */
export function shardNumber(id: string, count: number): number {
  return count === 1 ? 0 : createHash('sha1').update(id).digest().readUInt32BE() % count;
}
