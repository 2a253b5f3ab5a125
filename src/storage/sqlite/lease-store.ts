// Leases in a SQLite table. Only one process uses the file, so the lease is always free for it after a restart and its time to
// live.
import type { Clock } from '../../runtime/clock.js';
import type { LeaseStore } from '../ports.js';
import type { SqliteDatabase } from './sqlite-database.js';

export class SqliteLeaseStore implements LeaseStore {
  constructor(
    private readonly database: SqliteDatabase,
    private readonly clock: Clock,
  ) {}

  acquire(name: string, ttlMs: number): Promise<number | null> {
    const nowMs = this.clock.now();
    return this.#inTransaction(({ acquireLease }) => {
      const [token = null] = (acquireLease.get(name, nowMs + ttlMs, nowMs) as [number] | undefined) ?? [];
      return token;
    });
  }

  renew(name: string, token: number, ttlMs: number): Promise<boolean> {
    const nowMs = this.clock.now();
    return this.#inTransaction(({ renewLease }) => renewLease.get(nowMs + ttlMs, name, token, nowMs) !== undefined);
  }

  async release(name: string, token: number): Promise<void> {
    await this.renew(name, token, 0);
  }

  saveNote(name: string, token: number, text: string): Promise<boolean> {
    const nowMs = this.clock.now();
    return this.#inTransaction(({ saveNote }) => saveNote.get(text, name, token, nowMs) !== undefined);
  }

  note(name: string): Promise<string | null> {
    return this.database.attempt('hold leases', () => {
      const [text = null] = (this.database.statements.note.get(name) as [string | null] | undefined) ?? [];
      return text;
    });
  }

  #inTransaction<T>(work: (statements: SqliteDatabase['statements']) => T): Promise<T> {
    return this.database.attempt('hold leases', () =>
      this.database.inTransaction(() => work(this.database.statements)),
    );
  }
}
