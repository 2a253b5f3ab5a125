// How long things may take. All in milliseconds of our own clock, but for gaps between two events (the provider's).

export interface PresencePolicy {
  /** How long a lost device is `reconnecting` before it is `gone`; also the longest gap that is an interruption. */
  readonly graceMs: number;
  /** How long a participant whose last device left stays `reconnecting`, so that a page reload need not flap. */
  readonly leaveGraceMs: number;
  /** A loss this soon after a second connect is that of the older socket. */
  readonly overlapMs: number;
  /** A connection expires if no end event arrives for longer than this. */
  readonly maxConnectionMs: number;
  /** How long a `gone` participant is remembered. At least `maxConnectionMs`. */
  readonly retentionMs: number;
}

/** Bandwidth cleans a session up after 9 h, so no connection outlives that. */
export const DEFAULT_POLICY: PresencePolicy = {
  graceMs: 15_000,
  leaveGraceMs: 0,
  overlapMs: 60_000,
  maxConnectionMs: 9 * 3_600_000,
  retentionMs: 7 * 24 * 3_600_000,
};
