// What the clients sent and what was answered, and whether the service's answers fit: everything acknowledged is in, what has an
// unknown outcome may be.
import { type ModelEvent, type Policy, type Presence, presenceOf } from '../model/presence-model.js';

/** `acknowledged`: answered with 2xx. `unknown`: not answered, or with 503, after which the event may still be applied. */
type Outcome = 'acknowledged' | 'unknown';

export interface Sent {
  readonly participantId: string;
  readonly event: ModelEvent;
  readonly outcome: Outcome;
  readonly status: number | undefined;
  readonly waitedMs: number;
}

/** A participant as the API shows it. */
export interface Shown {
  readonly participantId: string;
  readonly state: string;
  readonly since?: string;
  readonly cause?: string;
}

/** Events with unknown outcomes of one participant; each doubles the possible states. */
const MAX_UNKNOWN = 12;

/** One line for each participant whose state does not follow from what was acknowledged. */
export function faultsIn(history: readonly Sent[], shown: readonly Shown[], policy: Policy, nowMs: number): string[] {
  const shownById = new Map(shown.map((one) => [one.participantId, one]));
  const sentById = new Map<string, Sent[]>();
  for (const one of history) sentById.set(one.participantId, [...(sentById.get(one.participantId) ?? []), one]);
  return [...sentById].flatMap(([id, sent]) => {
    const actual = textOf(shownById.get(id));
    const possible = new Set<string>();
    for (const state of possibleStates(sent, policy, nowMs)) {
      if (state === actual) return [];
      possible.add(state);
    }
    const events = sent.map(({ event, outcome, status }) => `${event.kind} ${event.at} ${outcome} ${status ?? ''}`);
    return [`${id} is ${actual}, but should be ${[...possible].join(' or ')} after ${events.join(', ')}`];
  });
}

/** One for each choice of the unknown events, beginning with none of them: most were refused. */
function* possibleStates(sent: readonly Sent[], policy: Policy, nowMs: number): Generator<string> {
  const unknown = sent.filter(({ outcome }) => outcome === 'unknown').slice(0, MAX_UNKNOWN);
  for (let chosen = 0; chosen < 2 ** unknown.length; chosen += 1) {
    const isIn = (one: Sent) => one.outcome === 'acknowledged' || (chosen & (1 << unknown.indexOf(one))) !== 0;
    const events = sent.filter(isIn).map(({ event }) => event);
    yield events.length === 0 ? textOf(undefined) : textOfPresence(presenceOf(events, policy, nowMs));
  }
}

function textOfPresence({ state, sinceMs, cause }: Presence): string {
  return textOf({ participantId: '', state, since: new Date(sinceMs).toISOString(), ...(cause && { cause }) });
}

function textOf(shown: Shown | undefined): string {
  if (!shown || shown.state === 'unknown') return 'unknown';
  const { state, since, cause = '' } = shown;
  return `${state} ${since} ${cause}`.trim();
}
