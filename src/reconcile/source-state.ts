// What is known of the reconciliation of each source. It is kept as a note beside the lease, so that every node can report it, and
// the next holder of the lease goes on from there.

export interface Poll {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly outcome: 'complete' | 'failed';
  /** Only of one that failed. */
  readonly reason?: string;
}

/** How presence differed from the list of the provider. */
export interface Drift {
  /** Participants that are connected here, and those on the list. */
  readonly connected: number;
  readonly listed: number;
  /** Connected here, but not on the list. */
  readonly absent: number;
  /** On the list, but not connected here. */
  readonly missing: number;
}

export interface SourceState {
  readonly lastPoll?: Poll;
  readonly lastCompletePollAtMs?: number;
  /** Polls that failed since the last complete one. */
  readonly failures: number;
  /** Of the last complete poll. */
  readonly drift?: Drift;
  readonly corrections: Readonly<Record<Direction, number>>;
  readonly fuse: {
    /** Whether the absences of the last list are not believed yet. */
    readonly isTripped: boolean;
    readonly trips: number;
    /** Absences that were not believed, when it tripped last. */
    readonly absences: number;
  };
}

export type Direction = 'added' | 'removed';

export const NEW_STATE: SourceState = {
  failures: 0,
  corrections: { added: 0, removed: 0 },
  fuse: { isTripped: false, trips: 0, absences: 0 },
};

/** The share of all participants, here or on the list, about which the two differed. */
export function driftRatio({ connected, absent, missing }: Drift): number {
  const all = connected + missing;
  return all === 0 ? 0 : (absent + missing) / all;
}

export function encodeStates(states: ReadonlyMap<string, SourceState>): string {
  return JSON.stringify(Object.fromEntries(states));
}

/** Nothing if there is no note, or one of another version. */
export function decodeStates(note: string | null): Map<string, SourceState> {
  try {
    const states = JSON.parse(note ?? '{}') as Record<string, SourceState>;
    return new Map(Object.entries(states).map(([source, state]) => [source, { ...NEW_STATE, ...state }]));
  } catch {
    return new Map();
  }
}
