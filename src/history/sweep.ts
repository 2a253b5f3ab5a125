// Follows connections through time, in the order in which they began, and says for each interval how many participants and devices
// there were, and who arrived and left. It knows only those connections that are open at the moment.
import FlatQueue from 'flatqueue';
import { GONE_CAUSES, type GoneCause } from '../domain/connection.js';

export interface SweptConnection {
  /** Any text that identifies the participant. */
  readonly participant: string;
  readonly startMs: number;
  /** null: it is open. */
  readonly endMs: number | null;
  readonly cause: GoneCause | null;
}

/** The time from the arrival of a participant to its departure. */
export interface Stay {
  readonly participant: string;
  readonly startMs: number;
  readonly endMs: number;
}

export interface SweptInterval {
  readonly fromMs: number;
  /** Not part of it. */
  readonly toMs: number;
  peakParticipants: number;
  peakDevices: number;
  arrivals: number;
  readonly departures: Record<GoneCause, number>;
  /** The time that all participants together were there during the interval. */
  participantMs: number;
  /** The lengths of stays that ended in the interval. */
  readonly lengthsMs: number[];
  /** Those whose lengths are not known: they began before the first interval, perhaps with connections that were not added. */
  readonly earlyStays: Stay[];
}

interface Present {
  readonly participant: string;
  readonly startMs: number;
  /** At least one. */
  openConnections: number;
  lastEnd: End | undefined;
}

interface End {
  readonly present: Present;
  readonly endMs: number;
  /** Of the connection. */
  readonly order: number;
  readonly cause: GoneCause | null;
}

export class Sweep {
  readonly finished: SweptInterval[] = [];
  readonly #present = new Map<string, Present>();
  readonly #ends = new FlatQueue<End>();
  readonly #startMs: number;
  readonly #endMs: number;
  #index = 0;
  #current: SweptInterval;
  #nowMs: number;
  #devices = 0;
  #added = 0;

  /** `boundsMs`: the first interval is from the first to the second of them, and so on. */
  constructor(private readonly boundsMs: readonly number[]) {
    this.#startMs = boundsMs[0] as number;
    this.#endMs = boundsMs.at(-1) as number;
    this.#nowMs = this.#startMs;
    this.#current = this.#interval(0);
  }

  /** All connections that began before the end of the last interval and did not end before the first one, in the order of their starts. */
  add({ participant, startMs, endMs, cause }: SweptConnection): void {
    // Ends at the same time come later, so that a participant whose devices replace each other does not leave in between.
    this.#applyEnds(startMs);
    this.#moveTo(startMs);
    const present = this.#present.get(participant) ?? this.#arrive(participant, startMs);
    present.openConnections += 1;
    this.#devices += 1;
    this.#added += 1;
    if (endMs === null || endMs >= this.#endMs) return;
    this.#ends.push({ present, endMs, order: this.#added, cause }, endMs);
  }

  /** To be called once, after all connections: then all intervals are `finished`. */
  finish(): void {
    this.#applyEnds(this.#endMs);
    this.#moveTo(this.#endMs);
  }

  #arrive(participant: string, startMs: number): Present {
    const present = { participant, startMs, openConnections: 0, lastEnd: undefined };
    this.#present.set(participant, present);
    if (startMs >= this.#startMs) this.#current.arrivals += 1;
    return present;
  }

  #applyEnds(beforeMs: number): void {
    while ((this.#ends.peekValue() ?? Number.POSITIVE_INFINITY) < beforeMs) this.#end(this.#ends.pop() as End);
  }

  #end(end: End): void {
    this.#moveTo(end.endMs);
    const { present } = end;
    present.openConnections -= 1;
    this.#devices -= 1;
    const { lastEnd } = present;
    if (!lastEnd || lastEnd.endMs < end.endMs || lastEnd.order < end.order) present.lastEnd = end;
    if (present.openConnections === 0) this.#depart(present, present.lastEnd as End);
  }

  #depart({ participant, startMs }: Present, { endMs, cause }: End): void {
    this.#present.delete(participant);
    const { departures, lengthsMs, earlyStays } = this.#current;
    if (cause !== null) departures[cause] += 1;
    if (startMs < this.#startMs) earlyStays.push({ participant, startMs, endMs });
    else lengthsMs.push(endMs - startMs);
  }

  /** Counts the time until then, in which nothing has changed. */
  #moveTo(timeMs: number): void {
    while (this.#nowMs < timeMs) {
      const interval = this.#current;
      const untilMs = Math.min(timeMs, interval.toMs);
      interval.peakParticipants = Math.max(interval.peakParticipants, this.#present.size);
      interval.peakDevices = Math.max(interval.peakDevices, this.#devices);
      interval.participantMs += this.#present.size * (untilMs - this.#nowMs);
      this.#nowMs = untilMs;
      if (untilMs < interval.toMs) return;
      this.finished.push(interval);
      this.#index += 1;
      if (untilMs === this.#endMs) return;
      this.#current = this.#interval(this.#index);
    }
  }

  #interval(index: number): SweptInterval {
    const [fromMs = 0, toMs = 0] = this.boundsMs.slice(index, index + 2);
    const departures = Object.fromEntries(GONE_CAUSES.map((cause) => [cause, 0])) as Record<GoneCause, number>;
    const none = { peakParticipants: 0, peakDevices: 0, arrivals: 0, participantMs: 0 };
    return { fromMs, toMs, ...none, departures, lengthsMs: [], earlyStays: [] };
  }
}
