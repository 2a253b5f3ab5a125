// Quarantined callbacks in a SQLite table.
import type { SourceName } from '../../domain/subject.js';
import type {
  QuarantinedCallback,
  QuarantineEntry,
  QuarantineFilter,
  QuarantineLimits,
  QuarantineStore,
} from '../ports.js';
import { idBoundAt, type TimedId } from '../timed-id.js';
import type { SqliteDatabase } from './sqlite-database.js';

/** Callbacks dropped per call, which blocks the process. */
const MAX_TRIMMED = 500;
/** Sorts after every id. */
const END = '~';

type Row = [
  id: TimedId,
  source: SourceName,
  reason: string,
  contentType: string,
  receivedAtMs: number,
  requestId: string,
  bytes: number,
  context: string | null,
];

export class SqliteQuarantineStore implements QuarantineStore {
  constructor(private readonly database: SqliteDatabase) {}

  add(callbacks: readonly QuarantinedCallback[]): Promise<void> {
    const { quarantine } = this.database.statements;
    return this.database.attempt('store quarantined callbacks', () =>
      this.database.inTransaction(() => {
        for (const { id, source, reason, contentType, receivedAtMs, requestId, bytes, context, body } of callbacks) {
          quarantine.run(id, source, reason, contentType, receivedAtMs, requestId, bytes, context ?? null, body);
        }
      }),
    );
  }

  page(filter: QuarantineFilter, before: TimedId | null, limit: number): Promise<QuarantineEntry[]> {
    const { source = null, reason = null, sinceMs = 0, untilMs } = filter;
    const untilId = untilMs === undefined ? END : idBoundAt(untilMs);
    const endId = before !== null && before < untilId ? before : untilId;
    return this.database.attempt('read quarantined callbacks', () => {
      const { quarantinePage } = this.database.statements;
      const rows = quarantinePage.all(endId, idBoundAt(sinceMs), source, source, reason, reason, limit);
      return (rows as Row[]).map(toEntry);
    });
  }

  get(id: TimedId): Promise<QuarantinedCallback | null> {
    return this.database.attempt('read quarantined callbacks', () => {
      const row = this.database.statements.quarantined.get(id) as [...Row, Buffer] | undefined;
      if (!row) return null;
      const [body, ...rest] = [row.at(-1) as Buffer, ...(row.slice(0, -1) as Row)];
      return { ...toEntry(rest), body };
    });
  }

  remove(ids: readonly TimedId[]): Promise<number> {
    return this.database.attempt('remove quarantined callbacks', () => this.#remove(ids));
  }

  trim({ maxCount, maxBytes, oldestMs }: QuarantineLimits): Promise<boolean> {
    return this.database.attempt('remove quarantined callbacks', () => {
      let [count, bytes] = this.#totals();
      const dropped: TimedId[] = [];
      const oldestId = idBoundAt(oldestMs);
      const oldest = this.database.statements.oldestQuarantined.all(MAX_TRIMMED) as [TimedId, number][];
      for (const [id, size] of oldest) {
        if (count <= maxCount && bytes <= maxBytes && id >= oldestId) break;
        dropped.push(id);
        count -= 1;
        bytes -= size;
      }
      if (dropped.length > 0) this.#remove(dropped);
      return dropped.length === MAX_TRIMMED;
    });
  }

  size(): Promise<number> {
    return this.database.attempt('read quarantined callbacks', () => this.#totals()[0]);
  }

  #remove(ids: readonly TimedId[]): number {
    return this.database.statements.unquarantine.run(JSON.stringify(ids)).changes;
  }

  #totals(): [count: number, bytes: number] {
    return this.database.statements.quarantineTotals.get() as unknown as [number, number];
  }
}

function toEntry([id, source, reason, contentType, receivedAtMs, requestId, bytes, context]: Row): QuarantineEntry {
  const entry = { id, source, reason, contentType, receivedAtMs, requestId, bytes };
  return context === null ? entry : { ...entry, context };
}
