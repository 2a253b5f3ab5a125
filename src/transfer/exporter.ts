// Exports a store while it is in use. First all participants, in an order that does not depend on the kind of store, all bindings, all
// ends of rooms and devices, and the endpoints of webhooks; then once more the participants that changed meanwhile, as the change feed
// says: one whose place in the order changes between two pages may be on neither of them. So whoever was in the store when the export
// began, and still is when it ends, is in it.
import { PARTICIPANT_STATES, type ParticipantState } from '../domain/presence-view.js';
import type { SourceName } from '../domain/subject.js';
import { indexEntry } from '../presence/write/changeset.js';
import { VERSION } from '../runtime/version.js';
import { decodeChanges } from '../storage/encoding/change-codec.js';
import { decodeRecord } from '../storage/encoding/record-codec.js';
import { keyOf, type SubjectKey } from '../storage/encoding/subject-key.js';
import { type FeedPosition, hasReached, moveTo, type ShardPosition } from '../storage/feed-position.js';
import {
  type BindingCursor,
  type EndCursor,
  type FeedEntry,
  type PageCursor,
  type Storage,
  type StoredRecord,
  StoreUnavailableError,
} from '../storage/ports.js';
import {
  bindingLine,
  type ExportLine,
  endLine,
  headerLine,
  keptEndLine,
  type ParticipantLine,
  participantLine,
  settingLine,
} from './export-format.js';
import { patiently } from './patience.js';
import { exportedSetting } from './webhook-settings.js';

/** A page of this many blocks Redis for a few milliseconds. */
const PAGE_SIZE = 500;

/** Where an export that was interrupted goes on. */
export interface ResumePoint {
  /** Complete lines that are written already. */
  readonly lines: number;
  readonly position: FeedPosition;
  /** The last of them; undefined: only the header is written. */
  readonly last: Exclude<ExportLine, { kind: 'end' }> | undefined;
}

export class Exporter {
  readonly #storage: Storage;
  #lines: number;
  #participants = 0;
  #bindings = 0;
  readonly #unreadable = new Set<SubjectKey>();
  readonly #unreadableSettings = new Set<string>();

  constructor(
    storage: Storage,
    private readonly resume?: ResumePoint,
    private readonly pageSize = PAGE_SIZE,
  ) {
    this.#storage = storage;
    this.#lines = resume?.lines ?? 0;
  }

  /** Written now: without those before the resume point, and each once. */
  get participants(): number {
    return this.#participants;
  }

  get bindings(): number {
    return this.#bindings;
  }

  /** Participants whose record cannot be read: they are not exported. */
  get unreadable(): ReadonlySet<SubjectKey> {
    return this.#unreadable;
  }

  /** Endpoints of webhooks that cannot be read: they are not exported. */
  get unreadableSettings(): ReadonlySet<string> {
    return this.#unreadableSettings;
  }

  /** Several lines each. Rejects with StoreUnavailableError if the store remains unavailable. */
  async *chunks(): AsyncGenerator<string, void> {
    const position = this.resume?.position ?? (await patiently(() => this.#storage.feed.end()));
    if (!this.resume) yield this.#written([headerLine({ from: this.#storage.description, position }, VERSION)]);
    yield* this.#allParticipants();
    yield* this.#allBindings();
    yield* this.#allEnds();
    yield* this.#allSettings();
    yield* this.#changedSince(position);
    yield endLine(this.#lines);
  }

  async *#allParticipants(): AsyncGenerator<string, void> {
    const last = this.resume?.last;
    if (last && !isFirstPass(last)) return;
    const from = last && placeOf(last);
    for (const source of await patiently(() => this.#storage.index.sources())) {
      if (from && source < from.source) continue;
      for (const state of PARTICIPANT_STATES) {
        const isFrom = from?.source === source && from.state === state;
        if (from?.source === source && PARTICIPANT_STATES.indexOf(state) < PARTICIPANT_STATES.indexOf(from.state))
          continue;
        yield* this.#participantsOf(source, state, isFrom ? from.cursor : null);
      }
    }
  }

  async *#participantsOf(
    source: SourceName,
    state: ParticipantState,
    from: PageCursor | null,
  ): AsyncGenerator<string, void> {
    for (let after = from; ; ) {
      const page = () => this.#storage.index.page({ states: [state], source }, after, this.pageSize);
      const { items } = await patiently(page);
      yield this.#written(items.flatMap(({ key, record }) => this.#participant(key, record)));
      after = items.at(-1) ?? null;
      if (items.length < this.pageSize) return;
    }
  }

  async *#allBindings(): AsyncGenerator<string, void> {
    const last = this.resume?.last;
    if (last?.kind === 'kept-end' || last?.kind === 'setting' || isRepeated(last)) return;
    let after: BindingCursor | null = last?.kind === 'binding' ? last : null;
    do {
      const cursor = after;
      const { items, next } = await patiently(() => this.#storage.bindings.page(cursor, this.pageSize));
      this.#bindings += items.length;
      yield this.#written(items.map(bindingLine));
      after = next;
    } while (after);
  }

  async *#allEnds(): AsyncGenerator<string, void> {
    const last = this.resume?.last;
    if (last?.kind === 'setting' || isRepeated(last)) return;
    let after: EndCursor | null = last?.kind === 'kept-end' ? last : null;
    do {
      const cursor = after;
      const { items, next } = await patiently(() => this.#storage.ends.page(cursor, this.pageSize));
      yield this.#written(items.map(keptEndLine));
      after = next;
    } while (after);
  }

  /** Few, and sorted by id. */
  async *#allSettings(): AsyncGenerator<string, void> {
    const last = this.resume?.last;
    if (isRepeated(last)) return;
    const settings = await patiently(() => this.#storage.webhookSettings.list());
    const rest = settings.filter(({ id }) => last?.kind !== 'setting' || id > last.id);
    yield this.#written(
      rest.flatMap((setting) => {
        const members = exportedSetting(setting);
        if (!members) this.#unreadableSettings.add(setting.id);
        return members ? [settingLine(setting.id, members)] : [];
      }),
    );
  }

  async *#changedSince(start: FeedPosition): AsyncGenerator<string, void> {
    const end = await patiently(() => this.#storage.feed.end());
    for (let after = start; !hasReached(after, end); ) {
      const position = after;
      const entries = await patiently(() => this.#entriesAfter(position));
      if (entries === null)
        throw new Error('More has changed during the export than the change feed keeps: export again');
      const keys = [...new Set(entries.flatMap(keysOf))];
      const records = await patiently(async () => (await this.#storage.records.load(keys)).map(expectAvailable));
      yield this.#written(keys.flatMap((key, n) => this.#participant(key, records[n] ?? null, true)));
      for (const { shard, id } of entries) {
        const { epoch } = after[shard] as ShardPosition;
        after = moveTo(after, shard, { epoch, entry: id });
      }
    }
  }

  /** null: some have left the feed. Rejects with StoreUnavailableError, also if nothing but an unavailable shard is left to read. */
  async #entriesAfter(position: FeedPosition): Promise<readonly FeedEntry[] | null> {
    const entries = await this.#storage.feed.read(position, this.pageSize);
    if (entries?.length === 0) throw new StoreUnavailableError('a part of the change feed cannot be read');
    return entries;
  }

  /** No line for one that is forgotten by now, or whose record Redis has lost. */
  #participant(key: SubjectKey, record: StoredRecord | null, isRepeated = false): string[] {
    if (record === null || record === '') return [];
    try {
      decodeRecord(key, record);
    } catch {
      this.#unreadable.add(key);
      return [];
    }
    if (!isRepeated) this.#participants += 1;
    return [participantLine(key, record, isRepeated)];
  }

  #written(lines: readonly string[]): string {
    this.#lines += lines.length;
    return lines.join('');
  }
}

function isFirstPass(line: ResumePoint['last']): line is ParticipantLine {
  return line?.kind === 'participant' && !line.isRepeated;
}

function isRepeated(line: ResumePoint['last']): boolean {
  return line?.kind === 'participant' && line.isRepeated;
}

function placeOf({ key, record }: ParticipantLine) {
  const { source, state, sinceMs } = indexEntry(record);
  return { source, state, cursor: { sinceMs, key } };
}

function keysOf({ changes }: FeedEntry): SubjectKey[] {
  return (decodeChanges(changes) ?? []).map(({ subject }) => keyOf(subject));
}

function expectAvailable(record: StoredRecord | null | StoreUnavailableError): StoredRecord | null {
  if (record instanceof StoreUnavailableError) throw record;
  return record;
}
