// The deliveries to endpoints in two SQLite tables: their states, and their logs.
import type { Clock } from '../../runtime/clock.js';
import { idBoundAt, type TimedId } from '../timed-id.js';
import {
  DELIVERY_LOGS,
  type DeliveryLog,
  type DeliveryLogLimits,
  type DeliveryRecord,
  type DeliveryStore,
  type DeliveryUpdate,
} from '../webhook-ports.js';
import type { SqliteDatabase } from './sqlite-database.js';

type Limits = Readonly<Record<DeliveryLog, DeliveryLogLimits>>;

export class SqliteDeliveryStore implements DeliveryStore {
  constructor(
    private readonly database: SqliteDatabase,
    private readonly clock: Clock,
  ) {}

  states(): Promise<ReadonlyMap<string, string>> {
    return this.#read(({ webhookStates }) => new Map(webhookStates.all() as [string, string][]));
  }

  state(endpointId: string): Promise<string | null> {
    return this.#read(({ webhookState }) => (webhookState.get(endpointId) as [string] | undefined)?.[0] ?? null);
  }

  save(
    { name, token }: { readonly name: string; readonly token: number },
    updates: readonly DeliveryUpdate[],
    limits: Limits,
  ): Promise<boolean> {
    return this.#write(({ isLeaseHeld }) => {
      if (isLeaseHeld.get(name, token, this.clock.now()) === undefined) return false;
      for (const update of updates) this.#store(update, limits);
      return true;
    });
  }

  addAttempt(endpointId: string, { id, text }: DeliveryRecord, maxCount: number): Promise<void> {
    return this.#write(({ addWebhookRecord, trimWebhookLog }) => {
      addWebhookRecord.run(endpointId, 'attempts', id, text);
      trimWebhookLog.run(endpointId, 'attempts', '', endpointId, 'attempts', maxCount);
    });
  }

  forget(endpointIds: readonly string[]): Promise<void> {
    return this.#write(({ forgetWebhookState, forgetWebhookLogs }) => {
      const ids = JSON.stringify(endpointIds);
      forgetWebhookState.run(ids);
      forgetWebhookLogs.run(ids);
    });
  }

  page(log: DeliveryLog, endpointId: string, before: TimedId | null, limit: number): Promise<DeliveryRecord[]> {
    // '~' sorts after every id.
    return this.#read(({ webhookLogPage }) =>
      (webhookLogPage.all(endpointId, log, before ?? '~', limit) as [TimedId, string][]).map(toRecord),
    );
  }

  record(log: DeliveryLog, endpointId: string, id: TimedId): Promise<string | null> {
    return this.#read(
      ({ webhookRecord }) => (webhookRecord.get(endpointId, log, id) as [string] | undefined)?.[0] ?? null,
    );
  }

  remove(log: DeliveryLog, endpointId: string, id: TimedId): Promise<boolean> {
    return this.#write(({ removeWebhookRecord }) => removeWebhookRecord.run(endpointId, log, id).changes === 1);
  }

  count(log: DeliveryLog, endpointId: string): Promise<number> {
    return this.#read(({ webhookLogCount }) => (webhookLogCount.get(endpointId, log) as unknown as [number])[0]);
  }

  #store({ endpointId, state, records }: DeliveryUpdate, limits: Limits): void {
    const { setWebhookState, addWebhookRecord, trimWebhookLog } = this.database.statements;
    setWebhookState.run(endpointId, state);
    for (const log of DELIVERY_LOGS) {
      for (const { id, text } of records[log]) addWebhookRecord.run(endpointId, log, id, text);
      const { maxCount, oldestMs } = limits[log];
      trimWebhookLog.run(endpointId, log, idBoundAt(oldestMs), endpointId, log, maxCount);
    }
  }

  #read<T>(work: (statements: SqliteDatabase['statements']) => T): Promise<T> {
    return this.database.attempt('read webhook deliveries', () => work(this.database.statements));
  }

  #write<T>(work: (statements: SqliteDatabase['statements']) => T): Promise<T> {
    return this.database.attempt('store webhook deliveries', () =>
      this.database.inTransaction(() => work(this.database.statements)),
    );
  }
}

function toRecord([id, text]: [TimedId, string]): DeliveryRecord {
  return { id, text };
}
