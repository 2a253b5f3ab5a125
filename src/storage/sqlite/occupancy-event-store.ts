// The events that were derived from the feed, in SQLite tables: the events, the tags, and the state of the tracker.
import type { Clock } from '../../runtime/clock.js';
import type { OccupancyEvent, OccupancyEventLimits, OccupancyEventStore, OccupancyUpdate } from '../webhook-ports.js';
import type { SqliteDatabase } from './sqlite-database.js';

export class SqliteOccupancyEventStore implements OccupancyEventStore {
  constructor(
    private readonly database: SqliteDatabase,
    private readonly clock: Clock,
  ) {}

  state(): Promise<string | null> {
    return this.#read(({ occupancyState }) => (occupancyState.get() as [string] | undefined)?.[0] ?? null);
  }

  tags(): Promise<ReadonlyMap<string, number>> {
    return this.#read(({ occupancyTags }) => new Map(occupancyTags.all() as [string, number][]));
  }

  save(
    { name, token }: { readonly name: string; readonly token: number },
    update: OccupancyUpdate,
    limits: OccupancyEventLimits,
  ): Promise<boolean> {
    return this.database.attempt('store occupancy events', () =>
      this.database.inTransaction(() => {
        const { isLeaseHeld } = this.database.statements;
        if (isLeaseHeld.get(name, token, this.clock.now()) === undefined) return false;
        this.#store(update, limits);
        return true;
      }),
    );
  }

  events(after: number, limit: number): Promise<OccupancyEvent[]> {
    return this.#read(({ occupancyEvents }) =>
      (occupancyEvents.all(after, limit) as [number, number, string][]).map(([number, atMs, text]) => ({
        number,
        atMs,
        text,
      })),
    );
  }

  newestNumber(beforeMs = Number.MAX_SAFE_INTEGER): Promise<number> {
    return this.#read(({ newestOccupancyEvent, oldestOccupancyEvent }) => {
      const [newest] = (newestOccupancyEvent.get(beforeMs) as [number] | undefined) ?? [];
      if (newest !== undefined) return newest;
      const [oldest = 1] = (oldestOccupancyEvent.get() as [number] | undefined) ?? [];
      return oldest - 1;
    });
  }

  #store({ state, tags, events }: OccupancyUpdate, { maxCount, oldestMs }: OccupancyEventLimits): void {
    const { statements } = this.database;
    statements.forgetOccupancyState.run();
    if (state !== null) statements.setOccupancyState.run(state);
    for (const [tag, emptySinceMs] of tags) {
      if (emptySinceMs === null) statements.forgetOccupancyTag.run(tag);
      else statements.setOccupancyTag.run(tag, emptySinceMs);
    }
    for (const { number, atMs, text } of events) statements.addOccupancyEvent.run(number, atMs, text);
    if (events.length > 0) statements.trimOccupancyEvents.run(oldestMs, maxCount);
  }

  #read<T>(work: (statements: SqliteDatabase['statements']) => T): Promise<T> {
    return this.database.attempt('read occupancy events', () => work(this.database.statements));
  }
}
