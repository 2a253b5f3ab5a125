// Who was really on the call, written down while a scenario is played and asked afterwards.
// A loss from which a device comes back within the grace period is an interruption of a stay, not its end; a leave is an
// end, however soon somebody is back. A participant is finally gone when all of its devices are: a device that was lost may
// still come back after another one has left. All receivers are judged by these words alike.

interface End {
  readonly atMs: number;
  /** From when on nobody was waited for. */
  readonly finalAtMs: number;
}

/** One uninterrupted presence of a participant. `end` is undefined as long as there is none. */
export interface Stay {
  readonly fromMs: number;
  readonly end?: End;
  /** When there was no socket, but there was soon again. */
  readonly interruptions: readonly { readonly fromMs: number; readonly toMs: number }[];
}

type Fact = { readonly what: 'came'; readonly atMs: number } | ({ readonly what: 'left' | 'lost' } & End);

interface History {
  readonly facts: Fact[];
  readonly connected: Set<string>;
  /** When the loss of each device that is not back is final. */
  readonly lost: Map<string, number>;
}

export class Truth {
  readonly #histories = new Map<string, History>();

  constructor(private readonly graceMs: number) {}

  get participantIds(): Iterable<string> {
    return this.#histories.keys();
  }

  /** To be told in the order in which it happens. */
  connect(participantId: string, deviceId: string, atMs: number): void {
    const { facts, connected, lost } = this.#historyOf(participantId);
    if (connected.size === 0) facts.push({ what: 'came', atMs });
    connected.add(deviceId);
    lost.delete(deviceId);
  }

  end(participantId: string, deviceId: string, atMs: number, isAskedFor: boolean): void {
    const { facts, connected, lost } = this.#historyOf(participantId);
    if (!connected.delete(deviceId)) return;
    if (!isAskedFor) lost.set(deviceId, atMs + this.graceMs);
    if (connected.size > 0) return;
    facts.push({ what: isAskedFor ? 'left' : 'lost', atMs, finalAtMs: Math.max(atMs, ...lost.values()) });
  }

  /** In their order. */
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
