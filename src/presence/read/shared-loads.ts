// Batches concurrent loads into one round trip to the store. Requests that arrive while loads are in flight form the next one.
// A load starts after all requests that it serves, so no response is older than its request.
import { onTickEnd } from '../../runtime/tick-batch.js';
import type { SubjectKey } from '../../storage/encoding/subject-key.js';
import { type RecordStore, type StoredRecord, StoreUnavailableError } from '../../storage/ports.js';

/** The second load is prepared while the store handles the first. */
const MAX_LOADS = 2;
/** A larger load would delay requests for a single participant. A single request may have this many, too. */
const MAX_KEYS = 1_000;

interface LoadRequest {
  readonly keys: readonly SubjectKey[];
  readonly resolve: (records: (StoredRecord | null)[]) => void;
  readonly reject: (error: unknown) => void;
}

export class SharedLoads {
  readonly #waiting: LoadRequest[] = [];
  #loads = 0;
  #isScheduled = false;

  constructor(private readonly records: RecordStore) {}

  /** In the order of `keys`; null: nothing is stored. Rejects with StoreUnavailableError. */
  load(keys: readonly SubjectKey[]): Promise<(StoredRecord | null)[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ keys, resolve, reject });
      this.#schedule();
    });
  }

  /** Waits for the end of the tick, so that concurrent requests share a load. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    onTickEnd(() => {
      this.#isScheduled = false;
      while (this.#loads < MAX_LOADS && this.#waiting.length > 0) void this.#process(this.#nextBatch());
    });
  }

  #nextBatch(): LoadRequest[] {
    let count = 0;
    const end = this.#waiting.findIndex(({ keys }, index) => {
      count += keys.length;
      return index > 0 && count > MAX_KEYS;
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }

  async #process(requests: readonly LoadRequest[]): Promise<void> {
    this.#loads += 1;
    try {
      const records = await this.records.load(requests.flatMap(({ keys }) => keys));
      let from = 0;
      for (const request of requests) {
        deliver(request, records.slice(from, from + request.keys.length));
        from += request.keys.length;
      }
    } catch (error) {
      for (const { reject } of requests) reject(error);
    } finally {
      this.#loads -= 1;
      if (this.#waiting.length > 0) this.#schedule();
    }
  }
}

/** An unavailable shard fails only the requests that need it. */
function deliver({ resolve, reject }: LoadRequest, records: (StoredRecord | null | StoreUnavailableError)[]): void {
  const failure = records.find((record) => record instanceof StoreUnavailableError);
  if (failure) reject(failure);
  else resolve(records as (StoredRecord | null)[]);
}
