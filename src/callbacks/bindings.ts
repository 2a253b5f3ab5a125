// Which participant each minted callback URL is for: the first that was heard through it. What leaks of one URL can then
// tell of that participant only.
import type { ParticipantId } from '../presence/domain/lifecycle-event.js';
import type { PresenceStore } from '../presence/presence-store.js';

/** A binding never changes, so that it need not be asked for twice. */
const MOST_REMEMBERED = 100_000;

export class Bindings {
  readonly #known = new Map<string, ParticipantId>();

  constructor(private readonly store: PresenceStore) {}

  /** Whether the URL is this participant's, from now on if it was nobody's. Rejects with StoreUnavailableError. */
  async isFor(participantId: ParticipantId, ref: string, expiresAtMs: number): Promise<boolean> {
    const known = this.#known.get(ref) ?? (await this.store.bind(ref, participantId, expiresAtMs));
    this.#known.set(ref, known);
    for (const first of this.#known.keys()) {
      if (this.#known.size <= MOST_REMEMBERED) break;
      this.#known.delete(first);
    }
    return known === participantId;
  }
}
