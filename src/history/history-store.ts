// The database of history as the rest of the service sees it: opened when it is first needed, and again after a failure. Nothing else
// depends on it, so the service starts and works while it is unavailable.
import { Inject, Injectable } from '@nestjs/common';
import type { Kysely } from 'kysely';
import type { Logger } from 'pino';
import { LOG } from '../observability/logging.js';
import { OutageLog } from '../observability/outage-log.js';
import type { HistoryDatabase, SqlTools } from './history-database.js';
import { type HistoryFile, openHistoryFile } from './history-file.js';
import type { Tables } from './tables.js';

export type HistoryPlace = { readonly dataDir: string } | { readonly databaseUrl: string };

/** undefined: history is off. */
export const HISTORY_PLACE = Symbol('HistoryPlace');

/** The database cannot be used at the moment. */
export class HistoryUnavailableError extends Error {
  override readonly name = 'HistoryUnavailableError';
}

export const isHistoryUnavailable = (error: unknown): boolean => error instanceof HistoryUnavailableError;

@Injectable()
export class HistoryStore {
  readonly #outage: OutageLog;
  #file: HistoryFile | undefined;
  #opening: Promise<HistoryDatabase> | undefined;
  #isAvailable = true;

  constructor(
    @Inject(HISTORY_PLACE) readonly place: HistoryPlace | undefined,
    @Inject(LOG) private readonly log: Logger,
  ) {
    this.#outage = new OutageLog(log, 'history');
  }

  /** Whether the last use of the database succeeded. */
  get isAvailable(): boolean {
    return this.#isAvailable;
  }

  /**
   * Opens a file before the service accepts requests: later, its folder may be missing, and would be made anew. A server may be slow, or
   * away, and is connected to when it is needed.
   */
  prepare(): void {
    if (!this.place || !('dataDir' in this.place)) return;
    try {
      this.#fileIn(this.place.dataDir);
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  /** Rejects with HistoryUnavailableError. */
  async use<T>(work: (database: HistoryDatabase) => Promise<T>): Promise<T> {
    try {
      const result = await work(await this.#open());
      this.#isAvailable = true;
      this.#outage.recovered();
      return result;
    } catch (error) {
      if (error instanceof NotTheProjectorError) throw error;
      this.#failed(error as Error);
      throw new HistoryUnavailableError((error as Error).message, { cause: error });
    }
  }

  /** All or nothing. */
  inTransaction<T>(work: (db: Kysely<Tables>, tools: SqlTools) => Promise<T>): Promise<T> {
    return this.use((tools) => tools.db.transaction().execute((transaction) => work(transaction, tools)));
  }

  async close(): Promise<void> {
    const database = await this.#opening?.catch(() => undefined);
    this.#opening = undefined;
    if (database) await database.close();
    else this.#file?.database.close();
    this.#file = undefined;
  }

  #failed({ message, code = 'unknown' }: Error & { readonly code?: string }): void {
    this.#isAvailable = false;
    this.#outage.failed({ kind: code, message: `history is not available: ${message}` });
  }

  /** Throws StartError. */
  #fileIn(dataDir: string): HistoryFile {
    this.#file ??= openHistoryFile(dataDir);
    return this.#file;
  }

  #open(): Promise<HistoryDatabase> {
    const { place } = this;
    if (!place) throw new Error('history is off');
    if (!this.#opening) {
      const opening = import('./history-database.js').then(({ openHistoryDatabase }) =>
        openHistoryDatabase('dataDir' in place ? this.#fileIn(place.dataDir) : place, this.log),
      );
      this.#opening = opening;
      opening.catch(() => {
        if (this.#opening === opening) this.#opening = undefined;
      });
    }
    return this.#opening;
  }
}

/** Another process has taken over, and nothing was written. */
export class NotTheProjectorError extends Error {
  override readonly name = 'NotTheProjectorError';
}
