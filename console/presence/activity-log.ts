// The newest changes since the page was opened, newest first.
import { signal } from '@preact/signals';
import type { Change } from '../api/types.js';

const MAX_CHANGES = 2_000;

export class ActivityLog {
  readonly changes = signal<readonly Change[]>([]);
  /** How many there were in all. */
  readonly total = signal(0);

  add(changes: readonly Change[]): void {
    this.total.value += changes.length;
    this.changes.value = [...changes.toReversed(), ...this.changes.value].slice(0, MAX_CHANGES);
  }

  clear(): void {
    this.changes.value = [];
    this.total.value = 0;
  }
}
