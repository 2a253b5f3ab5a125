// Who is present, as listed once and kept up to date by the changes after the position of that list. Some of these changes are
// already in the list: their version is not greater than that of what they change.
import type { Change, ParticipantResponse } from '../api/types.js';
import { type Device, fromList, isPresent, keyOf, type Participant, participantOf } from './participant.js';

export interface Totals {
  readonly connected: number;
  readonly reconnecting: number;
  readonly devices: number;
  readonly tags: number;
}

export class PresenceList {
  readonly #groups = new Map<string, Map<string, Participant>>();
  readonly #byKey = new Map<string, Participant>();
  /** Devices whose participant was not present: the change of the participant follows in the same commit. */
  readonly #early = new Map<string, Device[]>();
  readonly #counts = { connected: 0, reconnecting: 0, devices: 0 };
  /** A revision for each group, which changes whenever the group does, so that a view is computed again only when needed. */
  readonly #revisions = new Map<string, number>();
  #lastRevision = 0;

  static of(items: Iterable<ParticipantResponse>): PresenceList {
    const list = new PresenceList();
    for (const item of items) if (isPresent(item.state)) list.add(fromList(item));
    return list;
  }

  get size(): number {
    return this.#byKey.size;
  }

  get totals(): Totals {
    return { ...this.#counts, tags: this.#groups.size - (this.#groups.has('') ? 1 : 0) };
  }

  get tags(): Iterable<string> {
    return this.#groups.keys();
  }

  get(key: string): Participant | undefined {
    return this.#byKey.get(key);
  }

  membersOf(tag: string): Iterable<Participant> {
    return this.#groups.get(tag)?.values() ?? [];
  }

  revisionOf(tag: string): number {
    return this.#revisions.get(tag) ?? 0;
  }

  apply(change: Change): void {
    if (change.deviceId === undefined) this.#applyToParticipant(change);
    else this.#applyToDevice(change, change.deviceId);
  }

  #applyToParticipant(change: Change): void {
    const key = keyOf(change);
    const current = this.#byKey.get(key);
    if (current && change.version <= current.version) return;
    const early = this.#early.get(key) ?? [];
    this.#early.delete(key);
    if (!isPresent(change.state)) this.#remove(current);
    else this.add(participantOf(change, current?.devices ?? early));
  }

  #applyToDevice(change: Change, deviceId: string): void {
    const { state, version, interruptions = 0 } = change;
    const key = keyOf(change);
    const current = this.#byKey.get(key);
    const known = current?.devices ?? this.#early.get(key) ?? [];
    const before = known.find((device) => device.deviceId === deviceId);
    // The list omits devices that are gone, but reflects everything up to its version, so older changes are skipped.
    if (version <= (before?.version ?? current?.version ?? 0)) return;
    const others = known.filter((device) => device !== before);
    const devices = isPresent(state) ? [...others, { deviceId, state, interruptions, version }] : others;
    if (current) this.add({ ...current, devices });
    else if (devices.length > 0) this.#early.set(key, devices);
    else this.#early.delete(key);
  }

  /** Adds or replaces. */
  add(participant: Participant): void {
    const { key, tag } = participant;
    this.#remove(this.#byKey.get(key));
    this.#byKey.set(key, participant);
    const group = this.#groups.get(tag) ?? new Map<string, Participant>();
    this.#groups.set(tag, group.set(key, participant));
    this.#count(participant, 1);
  }

  #remove(participant: Participant | undefined): void {
    if (!participant) return;
    const { key, tag } = participant;
    this.#byKey.delete(key);
    const group = this.#groups.get(tag);
    group?.delete(key);
    this.#count(participant, -1);
    if (group?.size !== 0) return;
    this.#groups.delete(tag);
    this.#revisions.delete(tag);
  }

  #count({ state, devices, tag }: Participant, by: 1 | -1): void {
    this.#counts[state] += by;
    this.#counts.devices += by * devices.length;
    this.#lastRevision += 1;
    this.#revisions.set(tag, this.#lastRevision);
  }
}
