// Who was really on the call: recorded while a scenario plays, and queried afterwards.
// If a device comes back within the grace period after a loss, that is an interruption of the stay, not its end; a leave always
// ends it, no matter how soon the device returns. A participant is finally gone when all of its devices are: a lost device may
// still come back after another one has left. All receivers are scored by these rules.
import type { DeliveryPlan } from '../webhooks/chaos.js';

interface End {
  readonly atMs: number;
  /** When the grace period of the last lost device ended. */
  readonly finalAtMs: number;
}

/** `leftUnreported`: on purpose, but only the disconnect was reported. */
export type EndKind = 'left' | 'lost' | 'leftUnreported';

/** One continuous presence of a participant. `end` is undefined while it lasts. */
export interface Stay {
  readonly fromMs: number;
  readonly end?: End;
  /** Losses from which a device came back within the grace period. */
  readonly interruptions: readonly { readonly fromMs: number; readonly toMs: number }[];
}

type Fact = { readonly what: 'came'; readonly atMs: number } | ({ readonly what: 'left' | 'lost' } & End);

interface History {
  readonly facts: Fact[];
  readonly connected: Set<string>;
  /** By lost device: when its loss becomes final. */
  readonly lost: Map<string, number>;
}

export class Truth {
  readonly #histories = new Map<string, History>();

  constructor(private readonly graceMs: number) {}

  get participantIds(): Iterable<string> {
    return this.#histories.keys();
  }

  /** `connect` and `end` must be called in the order of the events. */
  connect(participantId: string, deviceId: string, atMs: number): void {
    const { facts, connected, lost } = this.#historyOf(participantId);
    if (connected.size === 0) facts.push({ what: 'came', atMs });
    connected.add(deviceId);
    lost.delete(deviceId);
  }

  end(participantId: string, deviceId: string, atMs: number, kind: EndKind): void {
    const { facts, connected, lost } = this.#historyOf(participantId);
    if (!connected.delete(deviceId)) return;
    if (kind !== 'left') lost.set(deviceId, atMs + this.graceMs);
    if (connected.size > 0) return;
    facts.push({ what: kind === 'lost' ? 'lost' : 'left', atMs, finalAtMs: Math.max(atMs, ...lost.values()) });
  }

  /** In chronological order. */
  staysOf(participantId: string): Stay[] {
    const stays: Stay[] = [];
    let stay: Stay | undefined;
    const { facts } = this.#historyOf(participantId);
    for (const [index, fact] of facts.entries()) {
      if (fact.what === 'came') {
        stay ??= { fromMs: fact.atMs, interruptions: [] };
        continue;
      }
      if (!stay) continue;
      const { what, atMs, finalAtMs } = fact;
      const backAtMs = facts[index + 1]?.atMs ?? Number.POSITIVE_INFINITY;
      if (what === 'lost' && backAtMs <= finalAtMs) {
        stay = { ...stay, interruptions: [...stay.interruptions, { fromMs: atMs, toMs: backAtMs }] };
      } else {
        stays.push({ ...stay, end: { atMs, finalAtMs } });
        stay = undefined;
      }
    }
    return stay ? [...stays, stay] : stays;
  }

  #historyOf(participantId: string): History {
    const history = this.#histories.get(participantId) ?? { facts: [], connected: new Set(), lost: new Map() };
    this.#histories.set(participantId, history);
    return history;
  }
}

/**
 * How a leave is judged, by what was sent of its events. If only the disconnect was, nobody can tell it from a loss: the stay has
 * ended, but a receiver may wait for the grace period.
 */
export function leaveKindOf(plans: readonly DeliveryPlan[]): EndKind {
  const isSent = (kind: string) => plans.some(({ event, outcome }) => event.kind === kind && outcome !== 'lost');
  return isSent('onDisconnect') && !isSent('onLeave') ? 'leftUnreported' : 'left';
}
