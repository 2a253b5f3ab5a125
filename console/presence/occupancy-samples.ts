// How many were present, as this page has seen it: for services without history.
import { signal } from '@preact/signals';

const INTERVAL_MS = 5_000;
/** A day. */
const MAX_SAMPLES = 17_280;

export interface Sample {
  readonly atMs: number;
  readonly present: number;
}

export class OccupancySamples {
  readonly all = signal<readonly Sample[]>([]);

  /** `count`: undefined while it is not known. */
  start(count: () => number | undefined): () => void {
    const take = () => {
      const present = count();
      if (present === undefined) return;
      this.all.value = [...this.all.value.slice(1 - MAX_SAMPLES), { atMs: Date.now(), present }];
    };
    const timer = setInterval(take, INTERVAL_MS);
    return () => clearInterval(timer);
  }

  clear(): void {
    this.all.value = [];
  }
}
