// Leases in Redis: an expiring key with the token of its holder, and beside it the last token and a note.
import type { LeaseStore } from '../ports.js';
import { loadScript, type Script } from './script.js';
import type { Shards } from './shards.js';

export class RedisLeaseStore implements LeaseStore {
  readonly #shards: Shards;
  readonly #acquire: Script;
  readonly #renew: Script;
  readonly #release: Script;
  readonly #saveNote: Script;

  constructor(shards: Shards) {
    this.#shards = shards;
    this.#acquire = loadScript(shards, 'acquire-lease');
    this.#renew = loadScript(shards, 'renew-lease');
    this.#release = loadScript(shards, 'release-lease');
    this.#saveNote = loadScript(shards, 'save-note');
  }

  async acquire(name: string, ttlMs: number): Promise<number | null> {
    const { first } = this.#shards;
    const token = await this.#attempt(() =>
      this.#acquire(first, { keys: [first.lease(name), first.leaseToken(name)], args: [ttlMs] }),
    );
    return token === 0 ? null : Number(token);
  }

  async renew(name: string, token: number, ttlMs: number): Promise<boolean> {
    const { first } = this.#shards;
    const keys = [first.lease(name)];
    return (await this.#attempt(() => this.#renew(first, { keys, args: [token, ttlMs] }))) === 1;
  }

  async release(name: string, token: number): Promise<void> {
    const { first } = this.#shards;
    const keys = [first.lease(name)];
    await this.#attempt(() => this.#release(first, { keys, args: [token] }));
  }

  async saveNote(name: string, token: number, text: string): Promise<boolean> {
    const { first } = this.#shards;
    const keys = [first.lease(name), first.leaseNote(name)];
    return (await this.#attempt(() => this.#saveNote(first, { keys, args: [token, text] }))) === 1;
  }

  note(name: string): Promise<string | null> {
    const { first } = this.#shards;
    return this.#attempt(async () => this.#shards.run(first, (commands) => commands.get(first.leaseNote(name))));
  }

  #attempt<T>(work: () => Promise<T>): Promise<T> {
    return this.#shards.attempt('hold leases', work);
  }
}
