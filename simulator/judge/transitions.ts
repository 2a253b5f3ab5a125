// The arrivals and departures that a receiver has to announce, and what it announced of them.
import type { Announcement } from './announcement.js';
import type { Allowance } from './spans.js';
import type { Stay } from './truth.js';

export interface Transition {
  readonly what: 'came' | 'gone';
  readonly atMs: number;
  /** An announcement after this is late. */
  readonly latestMs: number;
  /** An announcement after this is of something else: the participant may be known to be in the opposite state by then. */
  readonly overAtMs: number;
  /** For a return so soon that the absence may have been over before it was reported: the start of that absence. */
  readonly shortAbsence?: Transition;
  /** Whether this is the start of such an absence. */
  isShort?: boolean;
  /** In time. */
  announcedAtMs?: number;
  isAnnouncedLate?: boolean;
}

export function transitionsOf(stays: readonly Stay[], { deliveryMs, graceMs }: Allowance): Transition[] {
  const transitions: Transition[] = [];
  let gone: Transition | undefined;
  for (const [index, { fromMs, end }] of stays.entries()) {
    const isShort = gone !== undefined && fromMs - gone.atMs <= graceMs;
    if (gone && isShort) gone.isShort = true;
    const knownGoneMs = (end?.finalAtMs ?? Number.POSITIVE_INFINITY) + deliveryMs;
    const came = { what: 'came', atMs: fromMs, latestMs: fromMs + deliveryMs, overAtMs: knownGoneMs } as const;
    transitions.push({ ...came, ...(isShort && { shortAbsence: gone }) });
    if (!end) break;
    const knownBackMs = (stays[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY) + deliveryMs;
    gone = { what: 'gone', atMs: end.atMs, latestMs: knownGoneMs, overAtMs: Math.max(knownGoneMs, knownBackMs) };
    transitions.push(gone);
  }
  return transitions;
}

/** Whether the announcement is missed if it was not made by `untilMs`. */
export function isExpected({ isShort, shortAbsence, announcedAtMs, latestMs }: Transition, untilMs: number): boolean {
  // Both ends of a short absence are announced, or neither.
  if (isShort || (shortAbsence && shortAbsence.announcedAtMs === undefined)) return false;
  return announcedAtMs !== undefined || latestMs <= untilMs;
}

/** Tolerance for announcements that seem to precede their event; both are timed by the same clock. */
const CLOCK_SLACK_MS = 100;

/** Matches each announcement with the first transition that fits. Returns how many were late and how many have no match. */
export function match(transitions: readonly Transition[], announcements: readonly Announcement[]) {
  const counts = { late: 0, neverHappened: 0 };
  for (const { what, atMs } of announcements) {
    const open = transitions.filter(
      (one) => one.what === what && !isMatched(one) && one.atMs <= atMs + CLOCK_SLACK_MS && atMs <= one.overAtMs,
    );
    const inTime = open.find(({ latestMs }) => atMs <= latestMs);
    const late = open[0];
    if (inTime) {
      inTime.announcedAtMs = atMs;
    } else if (late) {
      late.isAnnouncedLate = true;
      counts.late += 1;
    } else {
      counts.neverHappened += 1;
    }
  }
  return counts;
}

function isMatched({ announcedAtMs, isAnnouncedLate }: Transition): boolean {
  return announcedAtMs !== undefined || isAnnouncedLate === true;
}
