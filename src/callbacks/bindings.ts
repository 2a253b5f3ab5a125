// Which participant each minted callback URL is for: the first that was heard through it. What leaks of one URL can then
// tell of that participant only.
//
// The store decides, each time: what one process remembers, another does not know, and a store that has lost its data may
// have bound the URL to somebody else since. What is remembered only restores a binding that the store has lost.
import type { ParticipantId } from '../presence/domain/lifecycle-event.js';
import type { PresenceStore } from '../presence/presence-store.js';

const MAX_REMEMBERED = 100_000;

export class Bindings {
  readonly #known = new Map<string, ParticipantId>();

  constructor(private readonly store: PresenceStore) {}

  /** Whether the URL is this participant's, from now on if it was nobody's. Rejects with StoreUnavailableError. */
  async isFor(participantId: ParticipantId, ref: string, expiresAtMs: number): Promise<boolean> {
    const bound = await this.store.bind(ref, this.#known.get(ref) ?? participantId, expiresAtMs);
    this.#known.set(ref, bound);
    for (const first of this.#known.keys()) {
      if (this.#known.size <= MAX_REMEMBERED) break;
      this.#known.delete(first);
    }
    return bound === participantId;
  }
}
