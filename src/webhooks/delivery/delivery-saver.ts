// Stores how far the deliveries have got, with the token of the lease, so that a process that has lost it moves no position.
import type { Clock } from '../../runtime/clock.js';
import type { HeldLease } from '../../storage/lease-holder.js';
import type { DeliveryStore, DeliveryUpdate } from '../../storage/webhook-ports.js';
import { MAX_ATTEMPTS } from './delivery-records.js';
import type { EndpointDelivery } from './endpoint-delivery.js';

export const LEASE = 'webhooks';
const DAY_MS = 86_400_000;
const MAX_DEAD_LETTERS = 1_000;
const ATTEMPT_RETENTION_MS = 7 * DAY_MS;
const DEAD_LETTER_RETENTION_MS = 30 * DAY_MS;

export class DeliverySaver {
  /** One save at a time: an older state must not replace a newer one. */
  #saving: Promise<boolean> = Promise.resolve(true);
  /** The need for the feed as it was stored last. */
  #noted: string | undefined;

  /** `lease`: writes are refused once another process has it. `running`: the deliveries, as they come and go. */
  constructor(
    private readonly lease: HeldLease,
    private readonly running: ReadonlyMap<string, EndpointDelivery>,
    private readonly store: DeliveryStore,
    private readonly clock: Clock,
  ) {}

  /** Resolves with false if the lease is lost, or the store is unavailable. */
  save(): Promise<boolean> {
    this.#saving = this.#saving.then(() => this.#saveNow());
    return this.#saving;
  }

  /** Since when the feed is needed, as the note of the lease. Rejects with StoreUnavailableError. */
  async saveNeed(): Promise<void> {
    const needs = [...this.running.values()].flatMap(({ neededSinceMs }) => neededSinceMs ?? []);
    const note = needs.length === 0 ? '' : String(Math.min(...needs));
    if (note === this.#noted) return;
    await this.lease.saveNote(note);
    this.#noted = note;
  }

  async #saveNow(): Promise<boolean> {
    const nowMs = this.clock.now();
    const updates = this.#updates(nowMs);
    if (updates.length === 0) return true;
    const holder = { name: LEASE, token: this.lease.token };
    const changed = updates.map(([, update]) => update);
    const isStored = await this.store.save(holder, changed, limitsAt(nowMs)).catch(() => undefined);
    if (isStored) return true;
    for (const [delivery, update] of updates) delivery.notSaved(update);
    // Another process delivers by now.
    if (isStored === false) for (const delivery of this.running.values()) delivery.interrupt();
    return false;
  }

  #updates(nowMs: number): [EndpointDelivery, DeliveryUpdate][] {
    const updates: [EndpointDelivery, DeliveryUpdate][] = [];
    for (const delivery of this.running.values()) {
      const update = delivery.update(nowMs);
      if (update) updates.push([delivery, update]);
    }
    return updates;
  }
}

function limitsAt(nowMs: number) {
  return {
    attempts: { maxCount: MAX_ATTEMPTS, oldestMs: nowMs - ATTEMPT_RETENTION_MS },
    'dead-letters': { maxCount: MAX_DEAD_LETTERS, oldestMs: nowMs - DEAD_LETTER_RETENTION_MS },
  };
}
