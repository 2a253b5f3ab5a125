import type { Labels } from '../domain/labels.js';
import type { AcceptedEvent } from './accepted-event.js';

/** About 160,000 events with ids of 36 characters and a short tag. */
const MAX_BYTES = 64 * 1024 * 1024;
const MIN_COMPACTION = 1_024;

// Measured in V8, without texts.
const EVENT_BYTES = 240;
const GRANT_BYTES = 350;
const LABEL_BYTES = 64;

interface Kept {
  readonly item: AcceptedEvent;
  readonly atMs: number;
  readonly bytes: number;
}

/**
 * Events recorded since `lengthMs` before the store was last known to be intact; only the newest ones if there are too many. So an
 * outage, however long, does not make the window forget what was recorded shortly before it.
 */
export class ReplayWindow {
  /** undefined: it has left the window. */
  readonly #kept: (Kept | undefined)[] = [];
  /** Those before it have left the window. */
  #first = 0;
  #bytes = 0;

  constructor(private readonly lengthMs: number) {}

  /** `intactAtMs`: when the store was last known to be intact. */
  add(item: AcceptedEvent, nowMs: number, intactAtMs: number): void {
    if (this.lengthMs === 0) return;
    const bytes = approximateBytes(item);
    this.#kept.push({ item, atMs: nowMs, bytes });
    this.#bytes += bytes;
    this.#drop(intactAtMs);
  }

  items(intactAtMs: number): AcceptedEvent[] {
    this.#drop(intactAtMs);
    return this.#kept.slice(this.#first).flatMap((kept) => (kept ? [kept.item] : []));
  }

  #drop(intactAtMs: number): void {
    const isOutside = ({ atMs }: Kept) => atMs < intactAtMs - this.lengthMs || this.#bytes > MAX_BYTES;
    for (let kept = this.#kept[this.#first]; kept && isOutside(kept); kept = this.#kept[this.#first]) {
      this.#bytes -= kept.bytes;
      this.#kept[this.#first] = undefined;
      this.#first += 1;
    }
    // Now and then, so that each item is moved about once.
    if (this.#first < MIN_COMPACTION || this.#first < this.#kept.length / 2) return;
    this.#kept.splice(0, this.#first);
    this.#first = 0;
  }
}

/** Runs for each event, so it only adds up lengths. What a minted URL says of the participant is shared with the event. */
function approximateBytes({ event, grant }: AcceptedEvent): number {
  const { deviceId = '', eventId = '', tag = '' } = event;
  const bytes = EVENT_BYTES + textBytes(deviceId, eventId, tag) + (grant ? GRANT_BYTES + textBytes(grant.ref) : 0);
  if (event.subject === undefined) return bytes + textBytes(event.scope);
  const { subject, participantRef = '', labels, mintedLabels } = event;
  const { scope, participantId } = subject;
  return bytes + textBytes(scope, participantId, participantRef) + labelBytes(labels) + labelBytes(mintedLabels);
}

function labelBytes(labels: Labels | undefined): number {
  if (!labels) return 0;
  const all = Object.entries(labels);
  return all.reduce((sum, [name, value]) => sum + textBytes(name, value), all.length * LABEL_BYTES);
}

/** V8 uses two bytes per character unless all are Latin-1. */
function textBytes(...texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + 2 * text.length, 0);
}
