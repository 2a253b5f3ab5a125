// Settings that requests make and change, as texts in the store. Every change is made to a setting as it was read, so that of two at
// the same time one fails. A text that cannot be decoded is left out, so that it does not stop the others, and can be deleted.
import { createHash, randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { DeduplicatedLog } from '../observability/deduplicated-log.js';
import type { Clock } from '../runtime/clock.js';
import type { WebhookSettingStore } from '../storage/webhook-ports.js';

/** What all of them have. */
export interface Setting<Id extends string> {
  readonly id: Id;
  /** Identifies the request that made it, if that had an Idempotency-Key. */
  readonly requestHash?: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** `text`: as it is stored, from which its ETag is made. */
export interface Stored<S> {
  readonly value: S;
  readonly text: string;
}

export interface StoredList<S> {
  /** Sorted by id. */
  readonly items: readonly Stored<S>[];
  /** The ids of those that cannot be decoded. */
  readonly undecodable: readonly string[];
}

/** A reason not to make or change a setting. */
export type SettingFault = 'too-many' | 'other-request' | 'changed' | 'unknown';

export interface SettingKind<Id extends string, S extends Setting<Id>> {
  /** Its name in log lines. */
  readonly name: string;
  readonly isId: (text: string) => text is Id;
  readonly idOf: (text: string) => Id;
  readonly encode: (setting: S) => string;
  /** Throws if the text is not a result of `encode`. */
  readonly decode: (text: string) => S;
  readonly maxCount: number;
  /** Logged once for each text that cannot be decoded. */
  readonly undecodableMessage: string;
}

export class StoredSettings<Id extends string, S extends Setting<Id>> {
  readonly #listeners = new Set<() => void>();
  readonly #undecodable: DeduplicatedLog;

  constructor(
    private readonly kind: SettingKind<Id, S>,
    protected readonly store: WebhookSettingStore,
    protected readonly clock: Clock,
    log: Logger,
  ) {
    this.#undecodable = new DeduplicatedLog(log, kind.undecodableMessage);
  }

  /** `listener` is called when this process has changed one. */
  onChanged(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Another one with each change of any setting, by any process. 0: there never was one. */
  revision(): Promise<number> {
    return this.store.revision();
  }

  async list(): Promise<StoredList<S>> {
    const items: Stored<S>[] = [];
    const undecodable: string[] = [];
    for (const { id, text } of await this.store.list()) {
      if (!this.kind.isId(id)) continue;
      const stored = this.#decode(id, text);
      if (stored) items.push(stored);
      else undecodable.push(id);
    }
    return { items, undecodable };
  }

  /** undefined: there is none, or it cannot be decoded. */
  async find(id: string): Promise<Stored<S> | undefined> {
    const text = this.kind.isId(id) ? await this.store.get(id) : null;
    return text === null ? undefined : this.#decode(id, text);
  }

  /** `expected`: the text that must not have changed; undefined: any. */
  async change(id: Id, change: (setting: S) => S, expected?: string): Promise<Stored<S> | SettingFault> {
    for (;;) {
      const stored = await this.find(id);
      if (!stored) return 'unknown';
      if (expected !== undefined && stored.text !== expected) return 'changed';
      const setting = { ...change(stored.value), updatedAtMs: this.clock.now() };
      const replaced = await this.replace(id, stored.text, setting);
      if (replaced !== 'changed' || expected !== undefined) return replaced;
    }
  }

  /** Also one that cannot be decoded. `expected`: as in `change`. */
  async remove(id: Id, expected?: string): Promise<'done' | SettingFault> {
    for (;;) {
      const text = await this.store.get(id);
      if (text === null) return 'unknown';
      if (expected !== undefined && text !== expected) return 'changed';
      if (await this.store.replace(id, text, null)) {
        this.#notify();
        return 'done';
      }
    }
  }

  /**
   * `settings`: what was asked for. `complete`: makes the setting. `idempotencyKey`: a request that is repeated with it gets what was
   * made the first time; undefined: each request makes another one.
   */
  protected async createFrom(
    settings: object,
    idempotencyKey: string | undefined,
    complete: (made: Setting<Id>) => S | Promise<S>,
  ): Promise<Stored<S> | SettingFault> {
    const hasKey = idempotencyKey !== undefined;
    const requestHash = hashOf(JSON.stringify(settings));
    const id = this.kind.idOf(hasKey ? hashOf(`key ${idempotencyKey}`) : randomBytes(12).toString('base64url'));
    const text = hasKey ? await this.store.get(id) : null;
    if (text !== null) {
      const known = this.#decode(id, text);
      return known?.value.requestHash === requestHash ? known : 'other-request';
    }
    const { items, undecodable } = await this.list();
    if (items.length + undecodable.length >= this.kind.maxCount) return 'too-many';
    const nowMs = this.clock.now();
    const made = { id, ...(hasKey && { requestHash }), createdAtMs: nowMs, updatedAtMs: nowMs };
    const created = await this.replace(id, null, await complete(made));
    // The same request came twice at the same time.
    return created === 'changed' ? this.createFrom(settings, idempotencyKey, complete) : created;
  }

  /** `before`: the text that it replaces; null: there must be none. */
  protected async replace(id: Id, before: string | null, setting: S): Promise<Stored<S> | 'changed'> {
    const text = this.kind.encode(setting);
    if (!(await this.store.replace(id, before, text))) return 'changed';
    this.#notify();
    return { value: setting, text };
  }

  #decode(id: string, text: string): Stored<S> | undefined {
    try {
      return { value: this.kind.decode(text), text };
    } catch (error) {
      // Those that differ are logged again. The reason of JSON.parse would quote the text, which may have secrets.
      const reason = error instanceof SyntaxError ? 'it is not valid JSON' : (error as Error).message;
      this.#undecodable.error(`${id} ${hashOf(text)}`, { [this.kind.name]: id, reason });
      return undefined;
    }
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 24);
}
