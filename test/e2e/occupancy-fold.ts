// What events about tags must say, by counting those present in the changes of the feed.

export interface FeedChange {
  readonly type: string;
  readonly participantId: string;
  readonly tag?: string;
  readonly state: string;
  readonly receivedAt: string;
}

export interface TagEvent {
  readonly type: 'tag.occupied' | 'tag.vacated';
  readonly tag: string;
  readonly since: string;
}

/** Nobody has the tag from `fromMs` to `untilMs`; Infinity: nobody does at the end. */
interface EmptyInterval {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Between a change and what is derived from it, on a busy machine. */
const MAX_LATE_MS = 3_000;

/** By tag, in order: first the time before anybody had it. */
function emptyIntervals(changes: readonly FeedChange[]): Map<string, EmptyInterval[]> {
  const intervals = new Map<string, EmptyInterval[]>();
  const present = new Map<string, Set<string>>();
  for (const { type, participantId, tag, state, receivedAt } of changes) {
    if (!type.startsWith('participant.') || tag === undefined) continue;
    const those = present.get(tag) ?? new Set();
    present.set(tag, those);
    const before = those.size;
    if (state === 'gone') those.delete(participantId);
    else those.add(participantId);
    const [atMs, known] = [Date.parse(receivedAt), intervals.get(tag) ?? []];
    const last = known.at(-1) ?? { fromMs: 0, untilMs: Number.POSITIVE_INFINITY };
    if (before === 0 && those.size > 0) intervals.set(tag, [...known.slice(0, -1), { ...last, untilMs: atMs }]);
    if (before > 0 && those.size === 0) {
      intervals.set(tag, [...known, { fromMs: atMs, untilMs: Number.POSITIVE_INFINITY }]);
    }
  }
  return intervals;
}

/** By each tag that anybody has had. */
export function isOccupiedAtEnd(changes: readonly FeedChange[]): Map<string, boolean> {
  const all = [...emptyIntervals(changes)];
  return new Map(all.map(([tag, intervals]) => [tag, intervals.at(-1)?.untilMs !== Number.POSITIVE_INFINITY]));
}

/** What is wrong with the events, which are in the order of their tags: none, if they are right. */
export function faultsOfTags(events: readonly TagEvent[], changes: readonly FeedChange[]): string[] {
  const faults: string[] = [];
  const intervals = emptyIntervals(changes);
  const lastOf = new Map<string, { readonly type: TagEvent['type']; readonly interval: EmptyInterval | undefined }>();
  for (const { type, tag, since } of events) {
    const last = lastOf.get(tag) ?? { type: 'tag.vacated', interval: intervals.get(tag)?.[0] };
    const sinceMs = Date.parse(since);
    if (type === last.type) faults.push(`${type} of ${tag} twice`);
    const lateMs = sinceMs - Number(last.interval?.untilMs);
    if (type === 'tag.occupied' && !(lateMs >= 0 && lateMs < MAX_LATE_MS)) {
      faults.push(`${tag} is occupied ${lateMs} ms late`);
    }
    // The first one is the time before anybody had it.
    const interval = intervals
      .get(tag)
      ?.slice(1)
      .find((one) => sinceMs >= one.fromMs && sinceMs < one.untilMs);
    if (type === 'tag.vacated' && !interval) faults.push(`${tag} is not empty at ${since}`);
    lastOf.set(tag, { type, interval });
  }
  return faults;
}
