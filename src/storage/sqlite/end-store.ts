// Ends without a participant in a SQLite table.
import type { Clock } from '../../runtime/clock.js';
import {
  type EndCursor,
  type EndPage,
  type EndStore,
  MAX_ENDS_PER_TARGET,
  type PendingEnd,
  type StoredEnd,
} from '../ports.js';
import type { SqliteDatabase } from './sqlite-database.js';

export class SqliteEndStore implements EndStore {
  constructor(
    private readonly database: SqliteDatabase,
    private readonly clock: Clock,
  ) {}

  add(target: string, { text, receivedAtMs }: StoredEnd, untilMs: number): Promise<void> {
    const { addEnd, trimEnds, expireEnds } = this.database.statements;
    return this.database.attempt('store callbacks', () =>
      this.database.inTransaction(() => {
        expireEnds.run(this.clock.now());
        addEnd.run(target, text, receivedAtMs, untilMs);
        trimEnds.run(target, target, MAX_ENDS_PER_TARGET);
      }),
    );
  }

  list(target: string): Promise<StoredEnd[]> {
    return this.database.attempt('store callbacks', () => {
      const rows = this.database.statements.endsOf.all(target) as [text: string, receivedAtMs: number][];
      return rows.map(([text, receivedAtMs]) => ({ text, receivedAtMs }));
    });
  }

  pending(limit: number): Promise<PendingEnd[]> {
    return this.database.attempt('store callbacks', () => {
      const rows = this.database.statements.pendingEnds.all(limit) as [string, string, number][];
      return rows.map(([target, text, receivedAtMs]) => ({ target, text, receivedAtMs }));
    });
  }

  settle(target: string, text: string): Promise<void> {
    return this.database.attempt('store callbacks', () => {
      this.database.statements.settleEnd.run(target, text);
    });
  }

  page(after: EndCursor | null, limit: number): Promise<EndPage> {
    return this.database.attempt('read ends', () => {
      const { untilMs, target, text } = after ?? { untilMs: this.clock.now(), target: '', text: '' };
      const rows = this.database.statements.endsPage.all(untilMs, target, text, limit) as [
        target: string,
        text: string,
        receivedAtMs: number,
        untilMs: number,
      ][];
      const items = rows.map(([ofTarget, end, receivedAtMs, until]) => ({
        target: ofTarget,
        text: end,
        receivedAtMs,
        untilMs: until,
      }));
      return { items, next: items.length < limit ? null : (items.at(-1) ?? null) };
    });
  }
}
