// Reads of single participants that wait at the same time share one round trip to the store: what is asked while loads are
// under way makes up the next one. A load begins after all whom it answers have asked, so each answer is as new as its own
// would be.
import { onTickEnd } from '../../runtime/tick-batch.js';
import type { SubjectKey } from '../../storage/encoding/subject-key.js';
import { type RecordStore, type StoredRecord, StoreUnavailableError } from '../../storage/ports.js';

/** While one is with the store the next is made ready. */
const MAX_LOADS = 2;
/** A load of more would keep who asks for one participant waiting; one question may have as many. */
const MAX_IDS = 1_000;

interface Question {
  readonly keys: readonly SubjectKey[];
  readonly resolve: (records: (StoredRecord | null)[]) => void;
  readonly reject: (error: unknown) => void;
}

export class SharedLoads {
  readonly #waiting: Question[] = [];
  #loads = 0;
  #isScheduled = false;

  constructor(private readonly records: RecordStore) {}

  /** In the order asked; null: nothing is stored. Rejects with StoreUnavailableError. */
  load(keys: readonly SubjectKey[]): Promise<(StoredRecord | null)[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ keys, resolve, reject });
      this.#schedule();
    });
  }

  /** Once all that was asked together is there. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    onTickEnd(() => {
      this.#isScheduled = false;
      while (this.#loads < MAX_LOADS && this.#waiting.length > 0) void this.#answer(this.#take());
    });
  }

  #take(): Question[] {
    let count = 0;
    const end = this.#waiting.findIndex(({ keys }, index) => {
      count += keys.length;
      return index > 0 && count > MAX_IDS;
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }

  async #answer(questions: readonly Question[]): Promise<void> {
    this.#loads += 1;
    try {
      const texts = await this.records.load(questions.flatMap(({ keys }) => keys));
      let from = 0;
      for (const question of questions) {
        settle(question, texts.slice(from, from + question.keys.length));
        from += question.keys.length;
      }
    } catch (error) {
      for (const { reject } of questions) reject(error);
    } finally {
      this.#loads -= 1;
      if (this.#waiting.length > 0) this.#schedule();
    }
  }
}

/** A part of the store that is away fails those only who asked for what is there. */
function settle({ resolve, reject }: Question, texts: (StoredRecord | null | StoreUnavailableError)[]): void {
  const failure = texts.find((text) => text instanceof StoreUnavailableError);
  if (failure) reject(failure);
  else resolve(texts as (StoredRecord | null)[]);
}
