// Stores what was derived, with the token of the lease: the events, numbered, together with the tags that they are about. After an
// error nobody knows what was stored.
import type { Clock } from '../../runtime/clock.js';
import type { OccupancyEventStore } from '../../storage/webhook-ports.js';
import type { EventLog } from './event-log.js';
import { type DerivedEvent, encodeEvent, type NumberedEvent } from './occupancy-event.js';

/** Tags in one write, which blocks Redis. */
const MAX_TAGS = 1_000;
const MAX_EVENTS = 100_000;
const EVENT_RETENTION_MS = 7 * 86_400_000;

export interface WriterParts {
  readonly store: OccupancyEventStore;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly lease: { readonly name: string; readonly token: number };
}

/** What a step has derived. */
interface Derived {
  readonly state: string | null;
  /** As in OccupancyUpdate. */
  readonly tags: ReadonlyMap<string, number | null>;
  readonly events: readonly DerivedEvent[];
}

export class EventWriter {
  private constructor(
    private readonly parts: WriterParts,
    private state: string | null,
    private lastAtMs: number,
  ) {}

  static async open(parts: WriterParts): Promise<EventWriter> {
    const { store, log } = parts;
    // What a write that failed has stored after all.
    await log.catchUp();
    const [last] = log.newest === 0 ? [] : await store.events(log.newest - 1, 1);
    return new EventWriter(parts, await store.state(), last?.atMs ?? 0);
  }

  /** The state as it is stored. */
  get stored(): string | null {
    return this.state;
  }

  /** Resolves with false if the lease is lost. Rejects with StoreUnavailableError. */
  async write({ state, tags, events }: Derived): Promise<boolean> {
    const changed = [...tags];
    let rest = events;
    // With very many tags, the last write moves the position: what is read again after a crash changes nothing for the others.
    for (let start = 0; start + MAX_TAGS < changed.length; start += MAX_TAGS) {
      const chunk = new Map(changed.slice(start, start + MAX_TAGS));
      const own = rest.filter(({ tag, type }) => tag !== undefined && type.startsWith('tag.') && chunk.has(tag));
      if (!(await this.#save({ state: this.state, tags: chunk, events: own }))) return false;
      rest = rest.filter((event) => !own.includes(event));
    }
    const last = changed.slice(Math.floor(Math.max(changed.length - 1, 0) / MAX_TAGS) * MAX_TAGS);
    return this.#save({ state, tags: new Map(last), events: rest });
  }

  async #save({ state, tags, events }: Derived): Promise<boolean> {
    const { store, log, clock, lease } = this.parts;
    const nowMs = clock.now();
    // The clock of the process before may have been ahead.
    const atMs = Math.max(nowMs, this.lastAtMs);
    const numbered = events.map((event, n): NumberedEvent => ({ ...event, number: log.newest + 1 + n, atMs }));
    const texts = numbered.map((event) => ({ number: event.number, atMs, text: encodeEvent(event) }));
    const limits = { maxCount: MAX_EVENTS, oldestMs: nowMs - EVENT_RETENTION_MS };
    if (!(await store.save(lease, { state, tags, events: texts }, limits))) return false;
    this.state = state;
    this.lastAtMs = atMs;
    log.append(numbered);
    return true;
  }
}
