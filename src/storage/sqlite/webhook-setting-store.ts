// Endpoints and rules in a SQLite table.
import type { WebhookSetting, WebhookSettingStore } from '../webhook-ports.js';
import type { SqliteDatabase } from './sqlite-database.js';

export class SqliteWebhookSettingStore implements WebhookSettingStore {
  constructor(private readonly database: SqliteDatabase) {}

  revision(): Promise<number> {
    return this.#read(({ webhookRevision }) => (webhookRevision.get() as unknown as [number])[0]);
  }

  list(): Promise<WebhookSetting[]> {
    return this.#read(({ webhookSettings }) =>
      (webhookSettings.all() as [string, string][]).map(([id, text]) => ({ id, text })),
    );
  }

  get(id: string): Promise<string | null> {
    return this.#read(({ webhookSetting }) => (webhookSetting.get(id) as [string] | undefined)?.[0] ?? null);
  }

  replace(id: string, before: string | null, after: string | null): Promise<boolean> {
    return this.database.attempt('store webhook settings', () =>
      this.database.inTransaction(() => {
        const { webhookSetting, setWebhookSetting, removeWebhookSetting, nextWebhookRevision } =
          this.database.statements;
        const [text = null] = (webhookSetting.get(id) as [string] | undefined) ?? [];
        if (text !== before) return false;
        if (after === null) removeWebhookSetting.run(id);
        else setWebhookSetting.run(id, after);
        nextWebhookRevision.run();
        return true;
      }),
    );
  }

  #read<T>(work: (statements: SqliteDatabase['statements']) => T): Promise<T> {
    return this.database.attempt('read webhook settings', () => work(this.database.statements));
  }
}
