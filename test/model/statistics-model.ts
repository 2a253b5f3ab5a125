// Statistics as docs/history.md defines them, in the most direct way: every moment and every pair of connections is looked at.
import type { GoneCause } from '../../src/domain/connection.js';

export interface ModelConnection {
  readonly participant: string;
  readonly startMs: number;
  /** Infinity: it is open. */
  readonly endMs: number;
  readonly cause: GoneCause | null;
  /** A greater one began later, or was written later. */
  readonly order: number;
}

interface ModelStay {
  readonly startMs: number;
  readonly last: ModelConnection;
}

export interface ModelStatistics {
  readonly peakParticipants: number;
  readonly peakDevices: number;
  readonly [name: string]: unknown;
}

const CAUSES: readonly GoneCause[] = ['left', 'ended', 'lost', 'reconciled', 'superseded', 'expired'];

export function statisticsOf(connections: readonly ModelConnection[], fromMs: number, toMs: number): ModelStatistics {
  const times = [...new Set(connections.flatMap(({ startMs, endMs }) => [startMs, endMs]).concat(fromMs, toMs))]
    .filter((ms) => ms >= fromMs && ms <= toMs)
    .sort((a, b) => a - b);
  const moments = times.slice(0, -1);
  const openAt = (ms: number) => connections.filter(({ startMs, endMs }) => startMs <= ms && ms < endMs);
  const participantsAt = (ms: number) => new Set(openAt(ms).map(({ participant }) => participant)).size;
  const participants = [...new Set(connections.map(({ participant }) => participant))];
  const stays = participants.flatMap((one) => staysOf(connections.filter(({ participant }) => participant === one)));
  const isWithin = (ms: number) => ms >= fromMs && ms < toMs;
  const ended = stays.filter(({ last }) => isWithin(last.endMs));
  const lengths = ended.map(({ startMs, last }) => last.endMs - startMs);
  return {
    fromMs,
    toMs,
    peakParticipants: Math.max(...moments.map(participantsAt)),
    peakDevices: Math.max(...moments.map((ms) => openAt(ms).length)),
    arrivals: stays.filter(({ startMs }) => isWithin(startMs)).length,
    departures: Object.fromEntries(
      CAUSES.map((cause) => [cause, ended.filter(({ last }) => last.cause === cause).length]),
    ),
    participantMs: sum(moments.map((ms, n) => participantsAt(ms) * ((times[n + 1] as number) - ms))),
    stay: lengths.length === 0 ? null : describe(lengths),
  };
}

/** The connections of one participant, put together as long as two of them overlap or touch. */
function staysOf(connections: readonly ModelConnection[]): ModelStay[] {
  let groups = connections.map((one) => [one]);
  const touch = (a: ModelConnection[], b: ModelConnection[]) =>
    a.some((one) => b.some((other) => one.startMs <= other.endMs && other.startMs <= one.endMs));
  for (;;) {
    const group = groups.find((a) => groups.some((b) => a !== b && touch(a, b)));
    if (!group) break;
    const other = groups.find((b) => b !== group && touch(group, b)) as ModelConnection[];
    groups = [...groups.filter((one) => one !== group && one !== other), [...group, ...other]];
  }
  return groups.map((group) => {
    const [last] = group.toSorted((a, b) => (a.endMs === b.endMs ? b.order - a.order : b.endMs - a.endMs));
    return { startMs: Math.min(...group.map(({ startMs }) => startMs)), last: last as ModelConnection };
  });
}

function describe(lengths: readonly number[]): object {
  const percentile = (percent: number) =>
    Math.min(...lengths.filter((ms) => lengths.filter((one) => one <= ms).length * 100 >= percent * lengths.length));
  const totalMs = sum(lengths);
  return {
    totalMs,
    meanMs: Math.round(totalMs / lengths.length),
    medianMs: percentile(50),
    p95Ms: percentile(95),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
