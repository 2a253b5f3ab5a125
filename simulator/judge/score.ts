// How right a receiver was. Two questions, each to the truth: what it answered when asked (samples), and what it
// announced by itself (announcements). Nobody can know before being told; until then an answer is waiting, not wrong.
import type { Stay, Truth } from './truth.js';

/** Who was present when asked at that time; those who are reconnecting are present. Epoch milliseconds. */
export interface Sample {
  readonly atMs: number;
  readonly present: ReadonlySet<string>;
}

export interface Announcement {
  readonly participantId: string;
  readonly what: 'came' | 'gone';
  readonly atMs: number;
}

/** How long it may take until a receiver can know, in milliseconds. */
export interface Allowance {
  readonly tellingMs: number;
  /** An absence of less may have passed before it was told of. */
  readonly graceMs: number;
}

export interface Testimony {
  readonly samples: readonly Sample[];
  /** In their order. */
  readonly announcements: readonly Announcement[];
  /** When the receiver was last observed: what it had more time for than that is not missed. Epoch milliseconds. */
  readonly untilMs: number;
}

type Mark = 'right' | 'waiting' | 'wronglyConnected' | 'wronglyGone';

export interface Score {
  /** Answers: one for each sample and participant who has come by then. */
  readonly marks: Readonly<Record<Mark, number>>;
  /** Comings and goings that a receiver had to announce. */
  readonly transitions: number;
  readonly neverHappened: number;
  readonly missed: number;
  /** From the truth to its announcement, in milliseconds, ascending. */
  readonly arrivalDelaysMs: readonly number[];
  readonly departureDelaysMs: readonly number[];
}

/** An announcement is noted a little after it is made, on the same clock. */
const CLOCK_SLACK_MS = 100;

export function scoreOf(truth: Truth, { samples, announcements, untilMs }: Testimony, allowance: Allowance): Score {
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

/** undefined: nobody has heard of the participant yet, so that every answer would be right. */
function markOf(stays: readonly Stay[], atMs: number, isAnsweredPresent: boolean, allowance: Allowance) {
  const stay = stays.findLast(({ fromMs }) => fromMs <= atMs);
  if (!stay) return undefined;
  const { fromMs, end, interruptions } = stay;
  if (end && end.atMs <= atMs) {
    if (!isAnsweredPresent) return 'right';
    return atMs <= end.finalAtMs + allowance.tellingMs ? 'waiting' : 'wronglyConnected';
  }
  // Between two sockets both answers are right.
  if (isAnsweredPresent || interruptions.some((one) => one.fromMs <= atMs && atMs < one.toMs)) return 'right';
  const connectedAtMs = interruptions.findLast(({ toMs }) => toMs <= atMs)?.toMs ?? fromMs;
  return atMs - connectedAtMs <= allowance.tellingMs ? 'waiting' : 'wronglyGone';
}

interface Transition {
  readonly what: 'came' | 'gone';
  readonly atMs: number;
  readonly latestMs: number;
  /** Of a return that came so soon that the absence may have passed before it was told of: that absence's beginning. */
  readonly shortAbsence?: Transition;
  /** Whether this is the beginning of such an absence. */
  isShort?: boolean;
  announcedAtMs?: number;
}

function transitionsOf(stays: readonly Stay[], { tellingMs, graceMs }: Allowance): Transition[] {
  const transitions: Transition[] = [];
  let gone: Transition | undefined;
  for (const { fromMs, end } of stays) {
    const isShort = gone !== undefined && fromMs - gone.atMs <= graceMs;
    if (gone && isShort) gone.isShort = true;
    const came = { what: 'came', atMs: fromMs, latestMs: fromMs + tellingMs } as const;
    transitions.push({ ...came, ...(isShort && { shortAbsence: gone }) });
    if (!end) break;
    gone = { what: 'gone', atMs: end.atMs, latestMs: end.finalAtMs + tellingMs };
    transitions.push(gone);
  }
  return transitions;
}

/** A short absence is announced whole or not at all. */
function mustBeAnnounced({ isShort, shortAbsence }: Transition): boolean {
  if (isShort) return false;
  return shortAbsence === undefined || shortAbsence.announcedAtMs !== undefined;
}

function isDue({ announcedAtMs, latestMs }: Transition, untilMs: number): boolean {
  return announcedAtMs !== undefined || latestMs <= untilMs;
}

/** Gives each announcement to the first transition that it can be of; how many are of none. */
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

/** `share` from 0 to 1 of ascending values; undefined when there are none. */
export function quantile(ascending: readonly number[], share: number): number | undefined {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))];
}
