// What is known of when the devices of a participant were connected, as bars: from the explanation, which has the events that are
// kept, and from history, which also has older connections but not when they were interrupted.
import type { ConnectionResponse, ExplainedDevice, ExplainedStep, Explanation, PresentState } from '../api/types.js';
import { isPresent } from '../presence/participant.js';

export interface Bar {
  readonly state: PresentState;
  readonly fromMs: number;
  /** undefined: it lasts. */
  readonly toMs: number | undefined;
  /** Why it ended; only of the last bar of a connection. */
  readonly cause?: string;
}

export interface Lane {
  readonly deviceId: string;
  readonly bars: readonly Bar[];
}

export interface Timeline {
  readonly lanes: readonly Lane[];
  readonly fromMs: number;
  readonly toMs: number;
}

/** Newest device first. `connections`: empty without history. */
export function timelineOf(
  { devices }: Pick<Explanation, 'devices'>,
  connections: readonly ConnectionResponse[],
  nowMs: number,
): Timeline {
  const lanes = new Map<string, Bar[]>();
  for (const device of devices) lanes.set(device.result.deviceId, barsOf(device));
  for (const connection of connections.toSorted((a, b) => a.startedAt.localeCompare(b.startedAt))) {
    const bars = lanes.get(connection.deviceId) ?? [];
    lanes.set(connection.deviceId, withOlder(bars, connection));
  }
  const filled = [...lanes].flatMap(([deviceId, bars]) => (bars.length > 0 ? [{ deviceId, bars }] : []));
  const all = filled.flatMap(({ bars }) => bars);
  const ends = all.map(({ fromMs, toMs }) => toMs ?? Math.max(nowMs, fromMs));
  return {
    lanes: filled.sort((a, b) => startOf(b) - startOf(a)),
    fromMs: Math.min(nowMs, ...all.map(({ fromMs }) => fromMs)),
    toMs: all.some(({ toMs }) => toMs === undefined) ? Math.max(nowMs, ...ends) : Math.max(0, ...ends),
  };
}

function startOf({ bars }: Lane): number {
  return bars.at(-1)?.fromMs ?? 0;
}

/** Of the events that are kept, and of what older ones are summed up to. */
function barsOf({ earlier, steps, result }: ExplainedDevice): Bar[] {
  const bars: Bar[] = [];
  let state = 'gone';
  const moveTo = (next: string | undefined, atMs: number, cause?: string) => {
    if (next === undefined || next === state) return;
    const last = bars.at(-1);
    if (last && last.toMs === undefined) {
      const toMs = Math.max(atMs, last.fromMs);
      bars[bars.length - 1] = { ...last, toMs, ...(cause !== undefined && { cause }) };
    }
    if (isPresent(next)) bars.push({ state: next, fromMs: atMs, toMs: undefined });
    state = next;
  };
  if (earlier && isPresent(earlier.state)) moveTo('connected', Date.parse(earlier.connectedAt ?? earlier.upTo));
  if (earlier) moveTo(earlier.state, Date.parse(earlier.upTo));
  for (const step of steps) {
    if (step.previous) moveTo('gone', Date.parse(step.previous.endedAt), step.previous.cause);
    moveTo(step.state, timeOf(step, bars), step.state === 'gone' ? result.cause : undefined);
  }
  return bars;
}

/** A step without an event is one of time: it is dated by when it came due, though the device is gone since it was lost. */
function timeOf({ event, supersededBy, dueAt }: ExplainedStep, bars: readonly Bar[]): number {
  const time = event?.countsAs ?? event?.occurredAt ?? supersededBy?.occurredAt ?? dueAt;
  return time === undefined ? (bars.at(-1)?.fromMs ?? 0) : Date.parse(time);
}

/** Adds a connection of history that began before everything that the explanation has. */
function withOlder(bars: readonly Bar[], { startedAt, endedAt, cause }: ConnectionResponse): Bar[] {
  const [fromMs, toMs] = [Date.parse(startedAt), endedAt === null ? undefined : Date.parse(endedAt)];
  const isKnown = bars.some((bar) => bar.fromMs <= fromMs && (bar.toMs === undefined || bar.toMs >= fromMs));
  const [first] = bars;
  if (isKnown || (first && toMs === undefined) || (first && toMs !== undefined && toMs > first.fromMs))
    return [...bars];
  const older: Bar = { state: 'connected', fromMs, toMs, ...(cause !== undefined && { cause }) };
  return [...bars, older].sort((a, b) => a.fromMs - b.fromMs);
}

const STEPS_MS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
  2_592_000,
].map((seconds) => seconds * 1_000);

/** Round times between both, at most `count`. */
export function ticksOf(fromMs: number, toMs: number, count: number): number[] {
  const stepMs = STEPS_MS.find((one) => (toMs - fromMs) / one <= count) ?? (toMs - fromMs) / count;
  const offsetMs = new Date(fromMs).getTimezoneOffset() * 60_000;
  const first = Math.ceil((fromMs - offsetMs) / stepMs) * stepMs + offsetMs;
  const ticks: number[] = [];
  for (let atMs = first; atMs <= toMs; atMs += stepMs) ticks.push(atMs);
  return ticks;
}
