// Scores a receiver against the truth: its answers to queries (samples), and the changes that it announced by itself
// (announcements). No receiver can know of a change before its webhook arrives; until then an answer counts as waiting, not
// as wrong.
import type { Stay, Truth } from './truth.js';

/** The participants that the receiver reported as present at that time, including reconnecting ones. */
export interface Sample {
  readonly atMs: number;
  readonly present: ReadonlySet<string>;
}

export interface Announcement {
  readonly participantId: string;
  readonly what: 'came' | 'gone';
  readonly atMs: number;
}

/** How long a receiver may take to know of a change, in milliseconds. */
export interface Allowance {
  readonly deliveryMs: number;
  /** An absence shorter than this may be over before it is reported. */
  readonly graceMs: number;
}

export interface Observations {
  readonly samples: readonly Sample[];
  /** In the order in which they were made. */
  readonly announcements: readonly Announcement[];
  /** The end of observation: announcements that were not yet due are not counted as missed. Epoch milliseconds. */
  readonly untilMs: number;
}

type Mark = 'right' | 'waiting' | 'wronglyConnected' | 'wronglyGone';

export interface Score {
  /** One for each sample and participant who had arrived by then. */
  readonly marks: Readonly<Record<Mark, number>>;
  /** Arrivals and departures that the receiver had to announce. */
  readonly transitions: number;
  readonly neverHappened: number;
  readonly missed: number;
  /** From the event to its announcement, in milliseconds, ascending. */
  readonly arrivalDelaysMs: readonly number[];
  readonly departureDelaysMs: readonly number[];
}

/** Tolerance for announcements that seem to precede their event; both are timed by the same clock. */
const CLOCK_SLACK_MS = 100;

export function scoreOf(truth: Truth, { samples, announcements, untilMs }: Observations, allowance: Allowance): Score {
  const marks: Record<Mark, number> = { right: 0, waiting: 0, wronglyConnected: 0, wronglyGone: 0 };
  const announced = byParticipant(announcements);
  const transitions: Transition[] = [];
  let neverHappened = 0;
  for (const participantId of truth.participantIds) {
    const stays = truth.staysOf(participantId);
    for (const { atMs, present } of samples) {
      const mark = markOf(stays, atMs, present.has(participantId), allowance);
      if (mark) marks[mark] += 1;
    }
    const expected = transitionsOf(stays, allowance);
    neverHappened += match(expected, announced.get(participantId) ?? []);
    transitions.push(...expected);
  }
  const due = transitions.filter((one) => mustBeAnnounced(one) && isDue(one, untilMs));
  return {
    marks,
    transitions: due.length,
    neverHappened,
    missed: due.filter(({ announcedAtMs }) => announcedAtMs === undefined).length,
    arrivalDelaysMs: delaysOf(transitions, 'came'),
    departureDelaysMs: delaysOf(transitions, 'gone'),
  };
}

function byParticipant(announcements: readonly Announcement[]): Map<string, Announcement[]> {
  const grouped = new Map<string, Announcement[]>();
  for (const announcement of announcements) {
    const group = grouped.get(announcement.participantId) ?? [];
    group.push(announcement);
    grouped.set(announcement.participantId, group);
  }
  return grouped;
}

/** undefined: the participant has not arrived yet, so any answer is right. */
function markOf(stays: readonly Stay[], atMs: number, isAnsweredPresent: boolean, allowance: Allowance) {
  const stay = stays.findLast(({ fromMs }) => fromMs <= atMs);
  if (!stay) return undefined;
  const { fromMs, end, interruptions } = stay;
  if (end && end.atMs <= atMs) {
    if (!isAnsweredPresent) return 'right';
    return atMs <= end.finalAtMs + allowance.deliveryMs ? 'waiting' : 'wronglyConnected';
  }
  // Between two sockets both answers are right.
  if (isAnsweredPresent || interruptions.some((one) => one.fromMs <= atMs && atMs < one.toMs)) return 'right';
  const connectedAtMs = interruptions.findLast(({ toMs }) => toMs <= atMs)?.toMs ?? fromMs;
  return atMs - connectedAtMs <= allowance.deliveryMs ? 'waiting' : 'wronglyGone';
}

interface Transition {
  readonly what: 'came' | 'gone';
  readonly atMs: number;
  readonly latestMs: number;
  /** For a return so soon that the absence may have been over before it was reported: the start of that absence. */
  readonly shortAbsence?: Transition;
  /** Whether this is the start of such an absence. */
  isShort?: boolean;
  announcedAtMs?: number;
}

function transitionsOf(stays: readonly Stay[], { deliveryMs, graceMs }: Allowance): Transition[] {
  const transitions: Transition[] = [];
  let gone: Transition | undefined;
  for (const { fromMs, end } of stays) {
    const isShort = gone !== undefined && fromMs - gone.atMs <= graceMs;
    if (gone && isShort) gone.isShort = true;
    const came = { what: 'came', atMs: fromMs, latestMs: fromMs + deliveryMs } as const;
    transitions.push({ ...came, ...(isShort && { shortAbsence: gone }) });
    if (!end) break;
    gone = { what: 'gone', atMs: end.atMs, latestMs: end.finalAtMs + deliveryMs };
    transitions.push(gone);
  }
  return transitions;
}

/** Both ends of a short absence are announced, or neither. */
function mustBeAnnounced({ isShort, shortAbsence }: Transition): boolean {
  if (isShort) return false;
  return shortAbsence === undefined || shortAbsence.announcedAtMs !== undefined;
}

function isDue({ announcedAtMs, latestMs }: Transition, untilMs: number): boolean {
  return announcedAtMs !== undefined || latestMs <= untilMs;
}

/** Matches each announcement with the first transition that fits. Returns the number of announcements without a match. */
function match(transitions: readonly Transition[], announcements: readonly Announcement[]): number {
  let unmatched = 0;
  for (const { what, atMs } of announcements) {
    const first = transitions.find(
      (one) =>
        one.what === what &&
        one.announcedAtMs === undefined &&
        one.atMs <= atMs + CLOCK_SLACK_MS &&
        atMs <= one.latestMs,
    );
    if (first) first.announcedAtMs = atMs;
    else unmatched += 1;
  }
  return unmatched;
}

function delaysOf(transitions: readonly Transition[], kind: 'came' | 'gone'): number[] {
  const delays = transitions.flatMap(({ what, atMs, announcedAtMs }) =>
    what === kind && announcedAtMs !== undefined ? [announcedAtMs - atMs] : [],
  );
  return delays.sort((a, b) => a - b);
}

/** The quantile of ascending values, `share` from 0 to 1; undefined when there are none. */
export function quantile(ascending: readonly number[], share: number): number | undefined {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))];
}
