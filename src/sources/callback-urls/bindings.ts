// Binds each minted callback URL to the first participant received through it, so that a leaked URL affects only that
// participant.
//
// The store decides for every callback: processes do not share memory, and a store that has lost its data may have bound the
// URL to another participant since. Remembered bindings only serve to restore those that the store has lost.
import { Inject, Injectable } from '@nestjs/common';
import type { Subject } from '../../domain/subject.js';
import { RecentMap } from '../../runtime/recent-map.js';
import { keyOf, type SubjectKey } from '../../storage/encoding/subject-key.js';
import type { BindingStore } from '../../storage/ports.js';
import { BINDING_STORE } from '../../storage/tokens.js';

/** Twice as many at most. */
const REMEMBERED = 100_000;

@Injectable()
export class Bindings {
  readonly #known = new RecentMap<string, SubjectKey>(REMEMBERED);

  constructor(@Inject(BINDING_STORE) private readonly store: BindingStore) {}

  /** Binds the URL to this participant unless it is bound; resolves with whether it is bound to it. Rejects with StoreUnavailableError. */
  async bind(subject: Subject, ref: string, expiresAtMs: number): Promise<boolean> {
    const key = keyOf(subject);
    const bound = await this.store.bind(ref, this.#known.get(ref) ?? key, expiresAtMs);
    this.#known.set(ref, bound);
    return bound === key;
  }
}
