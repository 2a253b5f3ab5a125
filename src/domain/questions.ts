// When to ask the provider's API, and which of its answers to believe. Webhooks alone cannot tell everything: if a connect is
// lost, the device looks absent, and no webhook says otherwise. The rules are in docs/rules.md.
import type { Connection } from './connection.js';
import { type DeviceHistory, fold } from './device-history.js';
import { type DeviceId, isObservation } from './lifecycle-event.js';
import type { ParticipantRecord } from './participant.js';
import type { PresencePolicy } from './policy.js';

/** How long before the end of grace the provider is asked, so that its answer arrives in time. */
const ASK_BEFORE_END_MS = 3_000;
/** An answer is dated `listLagMs` before the question. Asking this much later makes sure that it is dated after the event. */
const MARGIN_MS = 500;

/** More absences than this need a second list that agrees; also fewer, if they are more than this share of those present. */
const MAX_ABSENCES = 50;
const MAX_ABSENT_SHARE = 0.2;
/** In a small call, everybody may have left since the last list. */
const ALWAYS_PLAUSIBLE = 5;

/**
 * The next time, on our clock, at which the provider should be asked about the participant; undefined: not before another
 * event. It is asked if a device is doubtful, shortly before a loss becomes final, and if one device has ended while another
 * is open.
 */
export function askAtMs(record: ParticipantRecord, policy: PresencePolicy): number | undefined {
  const times = [...deviceQuestions(record, policy).values()];
  return times.length === 0 ? undefined : Math.min(...times);
}

/** When the provider should be asked, by the device that gives the reason. */
export function deviceQuestions(record: ParticipantRecord, policy: PresencePolicy): ReadonlyMap<DeviceId, number> {
  const { listLagMs } = policy;
  if (listLagMs === undefined) return new Map();
  const folded = Array.from(record.devices, ([deviceId, history]) => ({
    deviceId,
    connection: fold(history, record.ends, policy).connection,
    answer: lastAnswer(history),
  }));
  const hasOpen = folded.some(({ connection }) => connection.phase === 'open');
  return new Map(
    folded.flatMap(({ deviceId, connection, answer }) => {
      const atMs = questionAtMs(connection, answer, hasOpen, { ...policy, listLagMs });
      return atMs === undefined ? [] : [[deviceId, atMs] as const];
    }),
  );
}

interface Answer {
  readonly asOfMs: number;
  readonly askedAtMs: number;
}

function lastAnswer(history: DeviceHistory): Answer {
  const event = history.events.findLast(isObservation);
  const { occurredAtMs: asOfMs = Number.NEGATIVE_INFINITY, askedAtMs = Number.NEGATIVE_INFINITY } = event ?? {};
  return { asOfMs, askedAtMs };
}

function questionAtMs(
  connection: Connection,
  { asOfMs, askedAtMs }: Answer,
  hasOpen: boolean,
  { graceMs, listLagMs }: PresencePolicy & { readonly listLagMs: number },
): number | undefined {
  const after = (eventAtMs: number, receivedAtMs: number) =>
    asOfMs > eventAtMs ? undefined : Math.max(receivedAtMs, eventAtMs + listLagMs + MARGIN_MS);
  switch (connection.phase) {
    case 'open':
      return connection.doubt && after(connection.doubt.sinceMs, connection.doubt.askAtMs);
    case 'lost': {
      // With a short grace period, the answer would be dated before the loss.
      if (graceMs <= listLagMs + ASK_BEFORE_END_MS) return undefined;
      const atMs = connection.lostReceivedAtMs + graceMs - ASK_BEFORE_END_MS;
      return askedAtMs < atMs ? atMs : undefined;
    }
    case 'ended':
      return hasOpen ? after(connection.endedAtMs, connection.endedReceivedAtMs) : undefined;
  }
}

/**
 * Which absences of a complete list to believe: all of them, unless they are suspiciously many, as after a partial failure of
 * the provider. Then only those that were also absent from the previous list. `suspected`: the absences of the previous list,
 * if it was suspicious.
 */
export function believedAbsences<T>(
  absent: readonly T[],
  presentCount: number,
  suspected: ReadonlySet<T> = new Set(),
): { readonly believed: readonly T[]; readonly suspected: ReadonlySet<T> } {
  const isLargeShare = absent.length > ALWAYS_PLAUSIBLE && absent.length > MAX_ABSENT_SHARE * presentCount;
  const isSuspicious = absent.length > MAX_ABSENCES || isLargeShare;
  if (!isSuspicious) return { believed: absent, suspected: new Set() };
  return { believed: absent.filter((id) => suspected.has(id)), suspected: new Set(absent) };
}
