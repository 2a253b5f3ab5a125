// Imports participants, bindings and endpoints of webhooks into a store, which may be in use. Existing data is kept: records are merged
// by the rules, so importing again changes nothing. Differences are announced, unless the store has never announced anything: then the
// copy is exact.
import { changesBetween } from '../domain/change.js';
import { hasAllOf, mergeRecords } from '../domain/merge.js';
import type { ParticipantRecord } from '../domain/participant.js';
import type { PolicyOf } from '../domain/policy.js';
import { currentStatements } from '../domain/statements.js';
import { changesetOf, indexEntry, type LoadedRecord, readRecord } from '../presence/write/changeset.js';
import { encodeChanges } from '../storage/encoding/change-codec.js';
import type { SubjectKey } from '../storage/encoding/subject-key.js';
import {
  type Binding,
  type Changeset,
  type EndCursor,
  type EndPage,
  type KeptEnd,
  type Storage,
  type StoredRecord,
  StoreUnavailableError,
} from '../storage/ports.js';
import type { SettingLine } from './export-format.js';
import { patiently } from './patience.js';
import { importedText } from './webhook-settings.js';

type ImportedStorage = Pick<Storage, 'records' | 'bindings' | 'ends' | 'feed' | 'webhookSettings' | 'occupancyEvents'>;

/** Ends that are added at the same time. */
const END_BATCH = 500;

export interface ImportedRecord {
  readonly key: SubjectKey;
  readonly text: StoredRecord;
  readonly record: ParticipantRecord;
}

export interface ImportCounts {
  readonly added: number;
  /** Those of the store that have changed. */
  readonly merged: number;
  readonly unchanged: number;
  readonly bindings: number;
  /** Bindings that the store has with another participant, which they keep. */
  readonly boundOtherwise: number;
  /** Endpoints of webhooks, and other settings about them, that were added. */
  readonly settings: number;
  /** Those that the store has with the same id, and keeps. */
  readonly settingsKept: number;
  /** Participants whose record in the store cannot be read: it stays as it is. */
  readonly unreadable: number;
}

export class Importer {
  readonly #storage: ImportedStorage;
  readonly #policyOf: PolicyOf;
  readonly #now: () => number;
  readonly #unreadable = new Set<SubjectKey>();
  #isFollowed = false;
  #counts = {
    added: 0,
    merged: 0,
    unchanged: 0,
    bindings: 0,
    boundOtherwise: 0,
    settings: 0,
    settingsKept: 0,
    unreadable: 0,
  };

  constructor(storage: ImportedStorage, policyOf: PolicyOf, now: () => number) {
    this.#storage = storage;
    this.#policyOf = policyOf;
    this.#now = now;
  }

  get counts(): ImportCounts {
    return this.#counts;
  }

  /** Each participant at most once. Rejects with StoreUnavailableError, or if a record of the store cannot be read. */
  async addParticipants(records: readonly ImportedRecord[]): Promise<void> {
    for (let rest = records; rest.length > 0; ) rest = await patiently(() => this.#attempt(rest));
  }

  /** Each reference at most once. */
  async addBindings(bindings: readonly Binding[]): Promise<void> {
    const bound = await patiently(() =>
      Promise.all(bindings.map(({ ref, key, untilMs }) => this.#storage.bindings.bind(ref, key, untilMs))),
    );
    this.#counts.bindings += bindings.length;
    this.#counts.boundOtherwise += bindings.filter(({ key }, n) => bound[n] !== key).length;
  }

  /** An endpoint is told of what is committed from now on. */
  async addSetting({ id, members }: SettingLine): Promise<void> {
    await patiently(async () => {
      const { feed, occupancyEvents } = this.#storage;
      const start = { start: await feed.end(), eventStart: await occupancyEvents.newestNumber() };
      const text = importedText(id, members, start);
      const isAdded = await this.#storage.webhookSettings.replace(id, null, text);
      this.#counts[isAdded ? 'settings' : 'settingsKept'] += 1;
    });
  }

  async addEnds(ends: readonly KeptEnd[]): Promise<void> {
    await patiently(() =>
      Promise.all(ends.map(({ target, untilMs, ...end }) => this.#storage.ends.add(target, end, untilMs))),
    );
  }

  /**
   * Lets the service apply all ends that the store has again, within seconds: those that were added, and those that it had applied
   * before the participants whom they concern were imported.
   */
  async repeatEnds(): Promise<void> {
    let after: EndCursor | null = null;
    do {
      const cursor: EndCursor | null = after;
      const { items, next }: EndPage = await patiently(() => this.#storage.ends.page(cursor, END_BATCH));
      await this.addEnds(items);
      after = next;
    } while (after);
  }

  /**
   * Resolves with those that somebody else has changed meanwhile, or whose part of the store is unavailable. Rejects with
   * StoreUnavailableError if nothing was done.
   */
  async #attempt(records: readonly ImportedRecord[]): Promise<readonly ImportedRecord[]> {
    const { feed, records: store } = this.#storage;
    this.#isFollowed ||= (await feed.extent()).announcedBytes > 0;
    const texts = (await store.load(records.map(({ key }) => key))).map(expectAvailable);
    const attempts = records.map((imported, n) => ({
      imported,
      changeset: this.#changeset(imported, texts[n] ?? null),
    }));
    const changed = attempts.filter(({ changeset }) => changeset !== null);
    const outcomes = await store.commit(changed.map(({ changeset }) => changeset as Changeset));
    const done = changed.filter((_, n) => outcomes[n] === 'done');
    if (done.length === 0) for (const outcome of outcomes) expectAvailable(outcome);
    this.#counts.unchanged += attempts.length - changed.length;
    const added = done.filter(({ changeset }) => changeset?.before === null).length;
    this.#counts.added += added;
    this.#counts.merged += done.length - added;
    return changed.filter((_, n) => outcomes[n] !== 'done').map(({ imported }) => imported);
  }

  /** null: there is nothing new. */
  #changeset({ key, text, record }: ImportedRecord, stored: StoredRecord | null): Changeset | null {
    if (stored === text) return null;
    const after = { record: text, index: indexEntry(record) };
    const known = this.#read(key, stored);
    if (known === 'unreadable') return null;
    if (!known) return { key, before: null, after, changes: this.#isFollowed ? this.#announcementOf(record) : null };
    const merged = this.#merged(key, known, record);
    if (this.#isFollowed) return merged;
    if (this.#isNewer(record, known.record))
      return { key, before: { record: known.text, index: indexEntry(known.record) }, after, changes: null };
    return merged && { ...merged, changes: null };
  }

  #read(key: SubjectKey, stored: StoredRecord | null): LoadedRecord | null | 'unreadable' {
    try {
      return readRecord(key, stored);
    } catch {
      this.#counts.unreadable = this.#unreadable.add(key).size;
      return 'unreadable';
    }
  }

  #merged(key: SubjectKey, known: LoadedRecord, record: ParticipantRecord): Changeset | null {
    const policy = this.#policyOf(record.subject.source);
    return changesetOf(key, known, mergeRecords(known.record, record, this.#now(), policy));
  }

  /** Whether it is the record of the same store at a later time. */
  #isNewer(record: ParticipantRecord, known: ParticipantRecord): boolean {
    return record.version > known.version && hasAllOf(record, known, this.#policyOf(record.subject.source));
  }

  #announcementOf({ subject, version, announced: view, ...record }: ParticipantRecord): string | null {
    const now = { subject, version, view, ...currentStatements(record) };
    return encodeChanges(changesBetween(undefined, now, [], this.#now()));
  }
}

function expectAvailable<T>(value: T | StoreUnavailableError): T {
  if (value instanceof StoreUnavailableError) throw value;
  return value;
}
