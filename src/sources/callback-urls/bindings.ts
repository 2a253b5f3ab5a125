// Which participant each minted callback URL is for: the first one received through it. What leaks of one URL can then
// tell of that participant only.
//
// The store decides, each time: what one process remembers, another does not know, and a store that has lost its data may
// have bound the URL to somebody else since. What is remembered only restores a binding that the store has lost.
import { Inject, Injectable } from '@nestjs/common';
import type { Subject } from '../../domain/subject.js';
import { keyOf, type SubjectKey } from '../../storage/encoding/subject-key.js';
import type { BindingStore } from '../../storage/ports.js';
import { BINDING_STORE } from '../../storage/tokens.js';

const MAX_REMEMBERED = 100_000;

@Injectable()
export class Bindings {
  readonly #known = new Map<string, SubjectKey>();

  constructor(@Inject(BINDING_STORE) private readonly store: BindingStore) {}

  /** Whether the URL is this participant's, from now on if it was nobody's. Rejects with StoreUnavailableError. */
  async isFor(subject: Subject, ref: string, expiresAtMs: number): Promise<boolean> {
    const key = keyOf(subject);
    const bound = await this.store.bind(ref, this.#known.get(ref) ?? key, expiresAtMs);
    this.#known.set(ref, bound);
    for (const first of this.#known.keys()) {
      if (this.#known.size <= MAX_REMEMBERED) break;
      this.#known.delete(first);
    }
    return bound === key;
  }
}
