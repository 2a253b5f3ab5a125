// The truth about one participant as spans of time, each with the mark that either answer gets in it. Samples and exact
// integrals are both marked by these spans, so that a live run and one in virtual time are judged alike.
import type { Announcement } from './announcement.js';
import type { Stay } from './truth.js';

/** How long a receiver may take to know of a change, in milliseconds. */
export interface Allowance {
  readonly deliveryMs: number;
  /** An absence shorter than this may be over before it is reported. */
  readonly graceMs: number;
}

/** `waiting`: not right, but the receiver cannot know better yet. */
export type Mark = 'right' | 'waiting' | 'wronglyConnected' | 'wronglyGone';

export type Marks = Record<Mark, number>;

/** `toMs` is exclusive. */
interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Span extends Period {
  readonly ifPresent: Mark;
  readonly ifAbsent: Mark;
}

export interface MarkedPeriod extends Period {
  readonly mark: Mark;
}

/** Without gaps, from the first arrival on; before it any answer is right. Empty spans are omitted. */
export function spansOf(stays: readonly Stay[], { deliveryMs }: Allowance): Span[] {
  return stays.flatMap((stay, index) => {
    const nextMs = stays[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
    return [...presentSpans(stay, deliveryMs), ...absentSpans(stay, nextMs, deliveryMs)].filter(isNotEmpty);
  });
}

function presentSpans({ fromMs, end, interruptions }: Stay, deliveryMs: number): Span[] {
  const endMs = end?.atMs ?? Number.POSITIVE_INFINITY;
  let connectedAtMs = fromMs;
  return [...interruptions, { fromMs: endMs, toMs: endMs }].flatMap((gap): Span[] => {
    const knownAtMs = Math.min(connectedAtMs + deliveryMs, gap.fromMs);
    const spans: Span[] = [
      { fromMs: connectedAtMs, toMs: knownAtMs, ifPresent: 'right', ifAbsent: 'waiting' },
      { fromMs: knownAtMs, toMs: gap.fromMs, ifPresent: 'right', ifAbsent: 'wronglyGone' },
      // Between two sockets both answers are right.
      { fromMs: gap.fromMs, toMs: gap.toMs, ifPresent: 'right', ifAbsent: 'right' },
    ];
    connectedAtMs = gap.toMs;
    return spans;
  });
}

function absentSpans({ end }: Stay, nextMs: number, deliveryMs: number): Span[] {
  if (!end) return [];
  const knownAtMs = Math.min(end.finalAtMs + deliveryMs, nextMs);
  return [
    { fromMs: end.atMs, toMs: knownAtMs, ifPresent: 'waiting', ifAbsent: 'right' },
    { fromMs: knownAtMs, toMs: nextMs, ifPresent: 'wronglyConnected', ifAbsent: 'right' },
  ];
}

function isNotEmpty({ fromMs, toMs }: Span): boolean {
  return fromMs < toMs;
}

/** undefined: the participant has not arrived yet, so any answer is right. */
export function markAt(spans: readonly Span[], atMs: number, isPresent: boolean): Mark | undefined {
  const span = spans.find(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs);
  return span && (isPresent ? span.ifPresent : span.ifAbsent);
}

/**
 * The marks over time of a receiver whose answer changes only with its announcements. `announcements`: of this participant,
 * in chronological order; absent before the first.
 */
export function markedPeriods(
  spans: readonly Span[],
  announcements: readonly Announcement[],
  untilMs: number,
): MarkedPeriod[] {
  const periods: MarkedPeriod[] = [];
  let next = 0;
  let isPresent = false;
  for (const span of spans) {
    const endMs = Math.min(span.toMs, untilMs);
    for (let fromMs = span.fromMs; fromMs < endMs; ) {
      for (let one = announcements[next]; one && one.atMs <= fromMs; one = announcements[next]) {
        isPresent = one.what === 'came';
        next += 1;
      }
      const toMs = Math.min(announcements[next]?.atMs ?? Number.POSITIVE_INFINITY, endMs);
      periods.push({ fromMs, toMs, mark: isPresent ? span.ifPresent : span.ifAbsent });
      fromMs = toMs;
    }
  }
  return periods;
}
