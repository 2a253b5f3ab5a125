// Durations are counted on our clock; gaps between two events are measured in provider time.

import type { SourceName } from './subject.js';

export interface PresencePolicy {
  /** How long a disconnected device is `reconnecting` before it is `gone`; also the longest gap within one connection. */
  readonly graceMs: number;
  /** How long a participant whose last device left stays `reconnecting`, so that a page reload causes no flapping. */
  readonly leaveGraceMs: number;
  /** A disconnect within this time, plus `clockSkewMs`, after a second connect is attributed to the older socket. */
  readonly overlapMs: number;
  /** A connection expires if nothing has ended it this long after its newest connect or observation was received. */
  readonly maxConnectionMs: number;
  /**
   * `one`: the provider, or the application, lets a participant have one device at a time, so the connect of a newer device
   * ends the older one.
   */
  readonly devicesAtOnce: 'one' | 'many';
  /**
   * `one`: a device has one socket at a time, so a second connect is a repeat, or the client took over from its previous socket. An
   * end is then never that of an older socket.
   */
  readonly socketsPerDevice: 'one' | 'many';
  /** How far the clocks of the provider's hosts may differ from our clock and from each other. */
  readonly clockSkewMs: number;
  /**
   * How old an answer of the provider's API may be, clock skew included: it counts as of this long before the question. If it is
   * more than `graceMs` − 3 s, losses are not asked about. undefined: the provider is not asked.
   */
  readonly listLagMs?: number | undefined;
  /** How long a `gone` participant is kept. At least each of the other times, except `overlapMs`. */
  readonly retentionMs: number;
}

/** Providers differ, so each source may have its own policy. */
export type PolicyOf = (source: SourceName) => PresencePolicy;

/** Bandwidth ends every session after 9 h, so no connection lasts longer. */
export const DEFAULT_POLICY: PresencePolicy = {
  graceMs: 15_000,
  leaveGraceMs: 0,
  overlapMs: 60_000,
  maxConnectionMs: 9 * 3_600_000,
  devicesAtOnce: 'many',
  socketsPerDevice: 'many',
  clockSkewMs: 5_000,
  retentionMs: 7 * 24 * 3_600_000,
};
