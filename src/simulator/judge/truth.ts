// Who was really on the call, written down while a scenario is played and asked afterwards.
// A loss from which a device comes back within the grace period is an interruption of a stay, not its end; a leave is an
// end, however soon somebody is back. These are the words of the service and of the receivers it is compared with alike.

/** One uninterrupted presence of a participant. `end` is undefined as long as there is none. */
export interface Stay {
  readonly fromMs: number;
  readonly end?: { readonly atMs: number; readonly isAskedFor: boolean };
  /** When there was no socket, but there was soon again. */
  readonly interruptions: readonly { readonly fromMs: number; readonly toMs: number }[];
}

type Fact = { readonly atMs: number; readonly what: 'came' | 'left' | 'lost' };

export class Truth {
  readonly #facts = new Map<string, Fact[]>();
  readonly #connected = new Map<string, Set<string>>();

  constructor(private readonly graceMs: number) {}

  get participantIds(): Iterable<string> {
    return this.#facts.keys();
  }

  /** To be told in the order in which it happens. */
  connect(participantId: string, deviceId: string, atMs: number): void {
    const devices = this.#devicesOf(participantId);
    if (devices.size === 0) this.#note(participantId, { atMs, what: 'came' });
    devices.add(deviceId);
  }

  end(participantId: string, deviceId: string, atMs: number, isAskedFor: boolean): void {
    const devices = this.#devicesOf(participantId);
    if (devices.delete(deviceId) && devices.size === 0) {
      this.#note(participantId, { atMs, what: isAskedFor ? 'left' : 'lost' });
    }
  }

  /** In their order. */
  staysOf(participantId: string): Stay[] {
    const stays: Stay[] = [];
    let stay: Stay | undefined;
    const facts = this.#facts.get(participantId) ?? [];
    for (const [index, { atMs, what }] of facts.entries()) {
      if (what === 'came') {
        stay ??= { fromMs: atMs, interruptions: [] };
        continue;
      }
      const backAtMs = facts[index + 1]?.atMs ?? Number.POSITIVE_INFINITY;
      if (!stay) continue;
      if (what === 'lost' && backAtMs - atMs <= this.graceMs) {
        stay = { ...stay, interruptions: [...stay.interruptions, { fromMs: atMs, toMs: backAtMs }] };
      } else {
        stays.push({ ...stay, end: { atMs, isAskedFor: what === 'left' } });
        stay = undefined;
      }
    }
    return stay ? [...stays, stay] : stays;
  }

  #devicesOf(participantId: string): Set<string> {
    const devices = this.#connected.get(participantId) ?? new Set();
    this.#connected.set(participantId, devices);
    return devices;
  }

  #note(participantId: string, fact: Fact): void {
    const facts = this.#facts.get(participantId) ?? [];
    facts.push(fact);
    this.#facts.set(participantId, facts);
  }
}
