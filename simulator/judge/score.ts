// Scores a receiver against the truth: its answers to queries, and the changes that it announced by itself. No receiver can
// know of a change before its webhook arrives; until then an answer counts as waiting, not as wrong.
import type { Announcement } from './announcement.js';
import { type Allowance, type Marks, markAt, markedPeriods, type Span, spansOf } from './spans.js';
import { isExpected, match, type Transition, transitionsOf } from './transitions.js';
import type { Truth } from './truth.js';

/** The participants that the receiver reported as present at that time, including reconnecting ones. */
export interface Sample {
  readonly atMs: number;
  readonly present: ReadonlySet<string>;
}

export interface Observations {
  /** Answers, one second apart. Without them, the answers follow from the announcements, and are integrated exactly over time. */
  readonly samples?: readonly Sample[];
  /** In the order in which they were made. */
  readonly announcements: readonly Announcement[];
  /** The end of observation: announcements that were not yet due are not counted as missed. Epoch milliseconds. */
  readonly untilMs: number;
}

export interface Score {
  /** In participant-seconds, of those who had arrived. */
  readonly marks: Readonly<Marks>;
  /** Arrivals and departures that the receiver had to announce. */
  readonly transitions: number;
  /** Announcements of what did not happen. */
  readonly neverHappened: number;
  /** Announcements of what did happen, but too late; also counted as missed. */
  readonly late: number;
  readonly missed: number;
  /** From the event to its announcement, in milliseconds, ascending. */
  readonly arrivalDelaysMs: readonly number[];
  readonly departureDelaysMs: readonly number[];
}

export function scoreOf(truth: Truth, observations: Observations, allowance: Allowance): Score {
  const { announcements, untilMs } = observations;
  const marks: Marks = { right: 0, waiting: 0, wronglyConnected: 0, wronglyGone: 0 };
  const announced = byParticipant(announcements);
  const transitions: Transition[] = [];
  let [neverHappened, late] = [0, 0];
  for (const participantId of truth.participantIds) {
    const stays = truth.staysOf(participantId);
    const own = announced.get(participantId) ?? [];
    addMarks(marks, spansOf(stays, allowance), participantId, { ...observations, announcements: own });
    const expected = transitionsOf(stays, allowance);
    const unexpected = match(expected, own);
    neverHappened += unexpected.neverHappened;
    late += unexpected.late;
    transitions.push(...expected);
  }
  const due = transitions.filter((one) => isExpected(one, untilMs));
  return {
    marks,
    transitions: due.length,
    neverHappened,
    late,
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

function addMarks(marks: Marks, spans: readonly Span[], participantId: string, observations: Observations): void {
  const { samples, announcements, untilMs } = observations;
  if (!samples) {
    for (const { fromMs, toMs, mark } of markedPeriods(spans, announcements, untilMs)) {
      marks[mark] += (toMs - fromMs) / 1_000;
    }
    return;
  }
  for (const { atMs, present } of samples) {
    const mark = markAt(spans, atMs, present.has(participantId));
    if (mark) marks[mark] += 1;
  }
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
