// Endpoints and rules in Redis: a set of their ids and one key for each text, beside a counter of all changes.
import type { WebhookSetting, WebhookSettingStore } from '../webhook-ports.js';
import { loadScript, type Script } from './script.js';
import type { Shards } from './shards.js';

/** Texts read by one command. */
const CHUNK_SIZE = 256;

export class RedisWebhookSettingStore implements WebhookSettingStore {
  readonly #shards: Shards;
  readonly #replace: Script;

  constructor(shards: Shards) {
    this.#shards = shards;
    this.#replace = loadScript(shards, 'replace-setting');
  }

  revision(): Promise<number> {
    const { first } = this.#shards;
    return this.#attempt('read', async () =>
      Number(await this.#shards.run(first, (commands) => commands.get(first.webhookRevision))),
    );
  }

  list(): Promise<WebhookSetting[]> {
    const { first } = this.#shards;
    return this.#attempt('read', async () => {
      const ids = (await this.#shards.run(first, (commands) => commands.smembers(first.webhookSettings))).sort();
      const settings: WebhookSetting[] = [];
      for (let start = 0; start < ids.length; start += CHUNK_SIZE) {
        const chunk = ids.slice(start, start + CHUNK_SIZE);
        const keys = chunk.map((id) => first.webhookSetting(id));
        const texts = await this.#shards.run(first, (commands) => commands.mget(keys));
        for (const [n, id] of chunk.entries()) {
          const text = texts[n];
          // Removed meanwhile.
          if (typeof text === 'string') settings.push({ id, text });
        }
      }
      return settings;
    });
  }

  get(id: string): Promise<string | null> {
    const { first } = this.#shards;
    return this.#attempt('read', () => this.#shards.run(first, (commands) => commands.get(first.webhookSetting(id))));
  }

  replace(id: string, before: string | null, after: string | null): Promise<boolean> {
    const { first } = this.#shards;
    const keys = [first.webhookSettings, first.webhookSetting(id), first.webhookRevision];
    const call = { keys, args: [id, before ?? '', after ?? ''] };
    return this.#attempt('store', async () => (await this.#replace(first, call)) === 1);
  }

  #attempt<T>(verb: 'read' | 'store', work: () => Promise<T>): Promise<T> {
    return this.#shards.attempt(`${verb} webhook settings`, work);
  }
}
