// Bindings in a SQLite table.
import type { Clock } from '../../runtime/clock.js';
import type { SubjectKey } from '../encoding/subject-key.js';
import type { BindingCursor, BindingPage, BindingStore } from '../ports.js';
import type { SqliteDatabase } from './sqlite-database.js';

export class SqliteBindingStore implements BindingStore {
  constructor(
    private readonly database: SqliteDatabase,
    private readonly clock: Clock,
  ) {}

  async bind(ref: string, key: SubjectKey, untilMs: number): Promise<SubjectKey> {
    const { boundTo, unbind, bind } = this.database.statements;
    try {
      const [known] = (boundTo.get(ref) as [SubjectKey] | undefined) ?? [];
      if (known !== undefined) return known;
      this.database.inTransaction(() => {
        unbind.run(this.clock.now());
        bind.run(ref, key, untilMs);
      });
      return key;
    } catch (error) {
      throw this.database.unavailable('store callbacks', error);
    }
  }

  find(ref: string): Promise<SubjectKey | null> {
    return this.database.attempt('store callbacks', () => {
      const [known = null] = (this.database.statements.boundTo.get(ref) as [SubjectKey] | undefined) ?? [];
      return known;
    });
  }

  page(after: BindingCursor | null, limit: number): Promise<BindingPage> {
    return this.database.attempt('read bindings', () => {
      const { untilMs, ref } = after ?? { untilMs: this.clock.now(), ref: '' };
      const rows = this.database.statements.bindingsPage.all(untilMs, ref, limit) as [string, SubjectKey, number][];
      const items = rows.map(([itemRef, key, itemUntilMs]) => ({ ref: itemRef, key, untilMs: itemUntilMs }));
      return { items, next: items.length < limit ? null : (items.at(-1) ?? null) };
    });
  }
}
