// The rules of presence as a reference model: written from the documentation, naive and slow. It keeps every event and
// recomputes everything each time. The rules in src/ are compared with it, so it imports none of them.

/** `at`: by the provider's clock, with this `precision`; `received`: by ours. Events of kind `ended` are from an operator. */
type Moment = { at: number; received: number };
/** Without a device, the event is an end of all devices, or says whether the participant is available. */
type Identity = {
  device: string | undefined;
  kind: string;
  precision: number;
  eventId?: string;
  sequence?: number;
  asked?: number;
  until?: number;
};
export type ModelEvent = Moment &
  Identity & { tag?: string; ref?: string } & {
    labels?: Record<string, string>;
    mintedLabels?: Record<string, string>;
    /** Of an operator's labels: when the participant was first announced. */
    sinceMs?: number;
  };
export type Policy = Record<'graceMs' | 'leaveGraceMs' | 'overlapMs' | 'maxConnectionMs' | 'clockSkewMs', number> & {
  devicesAtOnce: string;
  socketsPerDevice: string;
  retentionMs?: number;
};
/** `last`: the newest connect of an open connection, the loss of a lost one, the end of an ended one. */
type Details = { start: number | null; interruptions: number; sockets: number; last: Moment; isFinal?: boolean } & {
  /** `sighted`: when it was first seen, if no connect is known; `seen`: when last. */
  sighted?: number | undefined;
  seen?: number | undefined;
  isUnseen?: boolean;
  isDoubtful?: boolean;
};
export type Connection = Details & { phase: string; cause?: string };
export type Presence = ReturnType<typeof presenceOf>;

/** The order of kinds of events at the same time, of causes (by precedence) and of states (the most present first). */
const RANKS = ['connected', 'disconnected', 'participant-disconnected', 'reconnecting', 'gone', 'left'].concat([
  'participant-left',
  'seen',
  'unseen',
  'ended',
  'lost',
  'reconciled',
  'superseded',
  'expired',
  'set-labels',
  'available',
  'busy',
  'set-available',
  'set-busy',
  'set-unknown',
]);
const rank = (word = '') => RANKS.indexOf(word);
const NONE: Connection = { phase: 'none', start: null, interruptions: 0, sockets: 0, last: { at: 0, received: 0 } };

const opened = (e: Moment): Connection => ({ phase: 'open', start: e.at, interruptions: 0, sockets: 1, last: e });
const sighted = (e: Moment): Connection => ({ ...opened(e), start: null, sighted: e.at, seen: e.at, sockets: 0 });
export const startOf = ({ start, sighted }: Connection) => start ?? sighted ?? null;
const kept = ({ start, sighted, interruptions }: Connection) => ({ start, sighted, interruptions, sockets: 0 });
const lost = (c: Connection, e: Moment) => ({ ...kept(c), phase: 'lost', last: e });
const isWaiting = (c: Connection, e: Moment, p: Policy) => e.received < c.last.received + p.graceMs;
const ended = (c: Connection, cause = c.isUnseen ? 'reconciled' : 'lost', last = c.last): Connection => {
  return { ...kept(c), phase: 'ended', cause, last };
};
const later = ({ at, received }: Moment, ms: number) => ({ at: at + ms, received: received + ms });
const expired = (c: Connection, p: Policy) => {
  const { at, received } = later(c.last, p.maxConnectionMs);
  return ended(c, 'expired', { at: Math.max(at, (c.seen ?? 0) + p.maxConnectionMs), received });
};
const isOverAge = (c: Connection, nowMs: number, p: Policy) => nowMs - c.last.received > p.maxConnectionMs;

/** The effect of an event on a device's connection; others have none. `gapMs`: the time since the connection's `last`. */
type Row = (c: Connection, e: Moment & { asked?: number | undefined }, p: Policy, gapMs: number) => Connection[];
const TABLE: Record<string, Row> = {
  'connected, none': (_, e) => [opened(e)],
  'connected, open': (c, e, p) =>
    isOverAge(c, e.received, p)
      ? [expired(c, p), opened(e)]
      : [{ ...opened(e), ...kept(c), start: startOf(c), sockets: c.sockets + 1 }],
  'connected, lost': (c, e, p, gapMs) => {
    if (gapMs > p.graceMs || startOf(c) === null) return [ended(c), opened(e)];
    return [{ ...opened(e), ...kept(c), start: startOf(c), interruptions: c.interruptions + 1, sockets: 1 }];
  },
  'connected, ended': (c, e) => [c, opened(e)],
  'disconnected, none': (c, e) => [lost(c, e)],
  'disconnected, open': (c, e, p, gapMs) => {
    if (isOverAge(c, e.received, p)) return [expired(c, p)];
    const isOlder = p.socketsPerDevice === 'many' && c.sockets >= 2 && gapMs <= p.overlapMs + p.clockSkewMs;
    return [isOlder ? { ...c, sockets: c.sockets - 1, isDoubtful: true } : lost(c, e)];
  },
  // A connect in between was not received.
  'disconnected, lost': (c, e, p) => [isWaiting(c, e, p) ? lost(c, e) : c],
  'disconnected, ended': (c, e) => [c.cause === 'ended' ? lost(c, e) : c], // The operator was wrong.
  'left, none': (c, e) => [ended(c, 'left', e)],
  'left, open': (c, e) => [ended(c, 'left', e)],
  'left, lost': (c, e, p) => [ended(c, 'left', c.isUnseen && isWaiting(c, e, p) ? e : c.last)],
  'left, ended': (c, e) =>
    /ended|expired/.test(c.cause ?? '') ? [{ ...ended(c, 'left', e), isFinal: c.cause === 'ended' }] : [c],
  'participant-disconnected': (c) => [c],
  'participant-disconnected, open': (c, e, p) => [isOverAge(c, e.received, p) ? expired(c, p) : lost(c, e)],
  'participant-disconnected, lost': (c, e, p) => [c.isUnseen && isWaiting(c, e, p) ? lost(c, e) : c],
  'participant-left': (c) => [c],
  'participant-left, open': (c, e) => [ended(c, 'left', e)],
  'participant-left, lost': (c, e, p) => [ended(c, 'left', c.isUnseen && isWaiting(c, e, p) ? e : c.last)],
  'seen, none': (_, e) => [sighted(e)],
  'seen, open': (c, e, p) => {
    if (isOverAge(c, e.received, p)) return TABLE['seen, ended']?.(expired(c, p), e, p, 0) ?? [];
    return [{ ...c, last: { at: c.last.at, received: e.received }, seen: e.at, isDoubtful: false }];
  },
  'seen, lost': (c, e, p) => {
    if (!isWaiting(c, e, p)) return [ended(c), { ...sighted(e), isDoubtful: true }];
    const start = { start: c.start, sighted: startOf(c) === null ? e.at : c.sighted };
    return [{ ...sighted(e), ...start, interruptions: c.interruptions + 1, isDoubtful: true }];
  },
  'seen, ended': (c, e, p) => {
    const isOutdated = c.cause !== 'expired' && (e.asked ?? e.received) < c.last.received + p.graceMs;
    return isOutdated ? [c] : [c, { ...sighted(e), isDoubtful: true }];
  },
  'unseen, open': (c, e, p) => [isOverAge(c, e.received, p) ? expired(c, p) : { ...lost(c, e), isUnseen: true }],
  'unseen, none': (c) => [c],
  'unseen, lost': (c) => [c],
  'unseen, ended': (c) => [c],
  ended: (c, e) => [ended(c, 'ended', { ...e, at: Math.max(e.at, e.received) })],
  'ended, ended': (c) => [{ ...c, isFinal: true }],
};

function compareBy<T>(keysOf: (item: T) => (number | string | boolean)[]) {
  return (a: T, b: T) => {
    const [left, right] = [keysOf(a), keysOf(b)];
    const n = left.findIndex((key, index) => key !== right[index]);
    return (left[n] ?? 0) < (right[n] ?? 0) ? -1 : 1;
  };
}

/** The same for an event that is sent again: the provider's id, or otherwise what happened at what time. */
export function identityOf({ device, kind, at, precision, eventId, sequence, labels }: ModelEvent): string {
  if (kind === 'set-labels') return JSON.stringify([kind, at, labels]);
  return JSON.stringify(eventId === undefined ? [device, kind, at, precision, sequence] : [device, kind, eventId]);
}

/**
 * Each event once, as first received, by time, which is at most `clockSkewMs` later than receipt; events with a sequence
 * number swap places to be in that order.
 */
export function inOrder<E extends ModelEvent>(events: readonly E[], p: Policy): (E & { time: number })[] {
  const byReceipt = events.toSorted((a, b) => a.received - b.received);
  const first = new Map(byReceipt.toReversed().map((event) => [identityOf(event), event]));
  const latest = ({ kind, received }: E) =>
    /^ended|^set/.test(kind) ? Number.POSITIVE_INFINITY : received + p.clockSkewMs;
  const timed = [...first.values()].map((e) => ({ ...e, time: Math.min(e.at, latest(e)) }));
  const keysOf = ({ time, precision, received, kind, at, sequence = -1, eventId = '' }: (typeof timed)[number]) =>
    // With whole seconds, the order of two events is only known from their receipt.
    [time, precision, precision === 1 ? 0 : received, rank(kind), at, sequence, eventId];
  const byTime = timed.sort(compareBy(keysOf));
  const numbered = byTime.filter(({ sequence }) => sequence !== undefined);
  const bySequence = numbered.sort(compareBy((e) => [e.sequence ?? 0, ...keysOf(e)])).values();
  return byTime.map((e) => (e.sequence === undefined ? e : (bySequence.next().value ?? e)));
}

/** With skewed clocks, an end with nothing to end belongs to the next connect; a disconnect may be an older socket's. */
function isEndOfNext(c: Connection, end: ModelEvent & { time: number }, rest: (typeof end)[], p: Policy): boolean {
  const next = rest.find(({ kind }) => !/disconnected|left/.test(kind));
  const isEnded = c.phase === 'ended' ? c.cause === 'left' : c.phase === 'lost' && c.start === null;
  const isUnmatched = c === NONE ? /^(disconnected|left)$/.test(end.kind) : end.kind === 'left' && isEnded;
  if (!isUnmatched || next?.kind !== 'connected') return false;
  if (next.sequence !== undefined && end.sequence !== undefined) return false;
  if (next.at > next.time && end.at > end.time) return next.at <= end.at;
  return end.kind === 'left' && next.received < end.received && next.time - end.time <= p.clockSkewMs;
}

/** If participants have one device at a time: the connection after the first connect of another device since its own. */
function superseded(c: Connection, own: readonly ModelEvent[], others: readonly ModelEvent[], p: Policy): Connection {
  const ordered = inOrder(own, p);
  const life = ordered.findLast(({ kind }) => /^(connected|seen)$/.test(kind)) ?? ordered.at(-1);
  const isNewer = (e: ModelEvent & { time: number }) =>
    e.kind === 'connected' && life && e.time > life.time && e.received >= life.received;
  const connects = devicesOf(others).flatMap((id) =>
    inOrder(
      others.filter(({ device }) => device === id),
      p,
    ).filter(isNewer),
  );
  const [by] = connects.sort(compareBy(({ time, received }) => [received, time]));
  if (!by || p.devicesAtOnce !== 'one' || c.phase === 'ended') return c;
  if (c.phase === 'lost') return isWaiting(c, by, p) ? ended(c) : c;
  return isOverAge(c, by.received, p) ? expired(c, p) : ended(c, 'superseded', { at: by.time, received: by.received });
}

/**
 * All connections of one device at `nowMs`; the last one is the current one. `others`: the events of the other devices; `ends`:
 * those of the participant.
 */
function connectionsOf(
  events: readonly ModelEvent[],
  p: Policy,
  nowMs: number,
  others: readonly ModelEvent[],
  ends: readonly ModelEvent[],
): Connection[] {
  let [all, c] = [[] as Connection[], NONE];
  const waiting = inOrder([...events, ...ends], p);
  while (waiting.length > 0) {
    const [end, ...rest] = waiting as [(typeof waiting)[0]];
    const connect = isEndOfNext(c, end, rest, p) ? waiting.findIndex(({ kind }) => kind === 'connected') : 0;
    const [{ kind, time, received, asked }] = waiting.splice(connect, 1) as [typeof end];
    const at = c.phase === 'open' && /disconnected|left/.test(kind) ? Math.max(time, c.last.at) : time;
    const next = (TABLE[`${kind}, ${c.phase}`] ?? TABLE[kind])?.(c, { at, received, asked }, p, at - c.last.at) ?? [c];
    [all, c] = [[...all, ...next.slice(0, -1)], next.at(-1) ?? NONE];
  }
  c = superseded(c, events, others, p);
  if (c.phase === 'open' && isOverAge(c, nowMs, p)) c = expired(c, p);
  if (c.phase === 'lost' && nowMs >= c.last.received + p.graceMs) c = ended(c);
  return [...all, c];
}

/** The start of the uninterrupted presence that `some` are part of; other connections may precede them without a gap. */
function sinceOf(some: readonly Connection[], all: readonly Connection[], p: Policy): number {
  const startMsOf = (c: Connection) => startOf(c) ?? c.last.at;
  const reachOf = (c: Connection) => {
    if (c.phase === 'open') return Number.POSITIVE_INFINITY;
    if (c.cause === 'ended') return startMsOf(c);
    return c.last.at + (c.cause === 'left' ? p.leaveGraceMs : /expired|superseded/.test(c.cause ?? '') ? 0 : p.graceMs);
  };
  const before = (ms: number) => all.filter((c) => startMsOf(c) < ms && reachOf(c) >= ms).map(startMsOf);
  const back = (ms: number): number => (before(ms).length > 0 ? back(Math.min(...before(ms))) : ms);
  return Math.max(...some.map((c) => back(startMsOf(c))));
}

function deviceOf(deviceId: string, c: Connection, p: Policy) {
  const { phase, start, last, cause, interruptions } = c;
  const isDoubtful = c.isDoubtful ?? false;
  const common = { deviceId, connectedAtMs: start, interruptions, untilMs: undefined, cause, isDoubtful };
  if (phase === 'open') return { ...common, state: 'connected', sinceMs: startOf(c) ?? last.at };
  if (phase === 'ended') return { ...common, state: 'gone', sinceMs: last.at };
  return { ...common, state: 'reconnecting', sinceMs: last.at, untilMs: last.received + p.graceMs };
}

export function devicesOf(events: readonly ModelEvent[]): string[] {
  return [...new Set(events.flatMap(({ device }) => device ?? []))];
}

/** The connections of each device, in order. */
export function connectionsByDevice(
  events: readonly ModelEvent[],
  p: Policy,
  nowMs: number,
): Map<string, Connection[]> {
  const shared = events.filter((event) => event.device === undefined && !isFact(event) && !areLabels(event));
  const eventsOf = (id: string) => events.filter(({ device }) => device === id);
  const othersOf = (id: string) => events.filter(({ device }) => device !== undefined && device !== id);
  const ids = devicesOf(events);
  return new Map(ids.map((id) => [id, connectionsOf(eventsOf(id), p, nowMs, othersOf(id), shared)]));
}

/** What a change says of a connection. */
export function describe(c: Connection) {
  return { connectedAtMs: c.start, startMs: startOf(c) ?? c.last.at, interruptions: c.interruptions };
}

export function describePast(c: Connection) {
  return { ...describe(c), endedAtMs: c.last.at, cause: c.cause };
}

/** A participant of whom only events without a device are known. */
function goneBy(ends: readonly (ModelEvent & { time: number })[]) {
  const { time = 0, kind } = ends.at(-1) ?? {};
  const cause = kind === 'participant-left' ? 'left' : 'lost';
  return { state: 'gone', sinceMs: time, cause, isDoubtful: false, devices: [] as ReturnType<typeof deviceOf>[] };
}

export const areLabels = ({ kind }: { kind: string }) => kind === 'set-labels';

/** Of a participant of whom only an operator's labels and facts are known. */
function expectedBy(events: readonly ModelEvent[], p: Policy, nowMs: number) {
  const { at, labels, sinceMs = at } = newestOf(events.filter(areLabels), 'labels') as ModelEvent;
  const untilMs = Math.max(...events.map(({ received }) => received)) + (p.retentionMs ?? Number.POSITIVE_INFINITY);
  const none = { isDoubtful: false, devices: [] as ReturnType<typeof deviceOf>[] };
  if (Object.keys(labels ?? {}).length === 0) return { state: 'gone', sinceMs: at, cause: 'ended', ...none };
  if (nowMs >= untilMs) return { state: 'gone', sinceMs: untilMs, cause: 'expired', ...none };
  return { state: 'expected', sinceMs, cause: undefined, ...none };
}

const sorted = (labels: Record<string, string>) => Object.entries(labels).sort(compareBy(([name]) => [name]));

/** The newest event that says something; of two at the same time, the one that says the greater text. */
export function newestOf(events: readonly ModelEvent[], name: 'tag' | 'ref' | 'labels' | 'mintedLabels') {
  const textOf = (event: ModelEvent) => {
    const said = event[name];
    return typeof said === 'object' ? JSON.stringify(sorted(said)) : (said ?? '');
  };
  const said = events.filter((event) => event[name] !== undefined);
  return said.toSorted(compareBy((event) => [event.at, textOf(event), -(event.sinceMs ?? 0)])).at(-1);
}

/** At most eight, sorted by name. */
export function labelsOf(events: readonly ModelEvent[]): Record<string, string> {
  const sets = [
    newestOf(events.filter(areLabels), 'labels')?.labels,
    newestOf(events, 'mintedLabels')?.mintedLabels,
    newestOf(
      events.filter((event) => !areLabels(event)),
      'labels',
    )?.labels,
  ];
  const all = sets.flatMap((set = {}) => sorted(set));
  const first = all.filter(([name], n) => all.findIndex(([other]) => other === name) === n);
  return Object.fromEntries(sorted(Object.fromEntries(first.slice(0, 8))));
}

export const isFact = ({ kind }: { kind: string }) => /available|busy|unknown/.test(kind);

/** What is said of availability during the presence, and from when on it has been the same. Only a connected one has any. */
function availabilityOf(
  events: readonly ModelEvent[],
  p: Policy,
  nowMs: number,
  { state, sinceMs }: { state: string; sinceMs: number },
): { value: string; sinceMs: number } | undefined {
  const facts = inOrder(events.filter(isFact), p).filter(({ time }) => state === 'connected' && time >= sinceMs);
  const saidBy = ({ kind = 'unknown' }: { kind?: string } = {}) => kind.replace('set-', '');
  const said = facts.flatMap((fact, n) => {
    const stated = { value: saidBy(fact), sinceMs: fact.time };
    const over = Math.max(fact.until ?? Number.POSITIVE_INFINITY, fact.time);
    const next = facts[n + 1]?.time;
    if (next === undefined ? over > nowMs : over >= next) return [stated];
    return [stated, { value: saidBy(facts.slice(0, n).findLast(({ until }) => until === undefined)), sinceMs: over }];
  });
  const last = said.at(-1)?.value ?? 'unknown';
  const start = said[said.findLastIndex(({ value }) => value !== last) + 1];
  return last === 'unknown' ? undefined : start;
}

/** The participant and its devices. `past`: connections of devices whose events are no longer in `events`. */
export function presenceOf(events: readonly ModelEvent[], p: Policy, nowMs: number, past: readonly Connection[] = []) {
  const presence = devicesPresenceOf(events, p, nowMs, past);
  const availability = availabilityOf(events, p, nowMs, presence);
  return availability ? { ...presence, availability } : presence;
}

function devicesPresenceOf(events: readonly ModelEvent[], p: Policy, nowMs: number, past: readonly Connection[]) {
  const shared = events.filter((event) => event.device === undefined && !isFact(event) && !areLabels(event));
  const ids = devicesOf(events);
  const histories = [...connectionsByDevice(events, p, nowMs).values()];
  if (ids.length === 0 && shared.length === 0 && events.some(areLabels)) return expectedBy(events, p, nowMs);
  if (ids.length === 0) return goneBy(inOrder(shared.length > 0 ? shared : events, p));
  const current = histories.map((all) => all.at(-1) ?? NONE);
  const devices = current.map((c, n) => deviceOf(ids[n] ?? '', c, p));
  devices.sort(compareBy(({ state, sinceMs, deviceId }) => [rank(state), sinceMs, deviceId]));
  const since = (some: readonly Connection[]) => sinceOf(some, [...past, ...histories.flat()], p);
  const present = current.filter(({ phase }) => phase !== 'ended');
  if (devices[0]?.state === 'connected') {
    const isDoubtful = devices.every((device) => device.state !== 'connected' || device.isDoubtful);
    return { state: 'connected', sinceMs: since(present), isDoubtful, devices };
  }
  const ends = current.map((c) => (c.phase === 'lost' ? ended(c) : c));
  const keysOf = ({ last, cause, isFinal }: Connection) => [-last.at, rank(cause), -last.received, isFinal ?? false];
  const [end = NONE] = ends.sort(compareBy(keysOf));
  const graceEndMs = Math.max(...devices.map(({ untilMs = 0 }) => untilMs));
  const hasLeaveGrace = end.cause === 'left' && !end.isFinal && p.leaveGraceMs > 0;
  const leaveGraceEndMs = hasLeaveGrace ? end.last.received + p.leaveGraceMs : 0;
  const untilMs = Math.max(graceEndMs, leaveGraceEndMs);
  if (untilMs <= nowMs) return { state: 'gone', sinceMs: end.last.at, cause: end.cause, isDoubtful: false, devices };
  const sinceMs = since(leaveGraceEndMs > graceEndMs ? [...present, end] : present);
  return { state: 'reconnecting', sinceMs, untilMs, isDoubtful: false, devices };
}
