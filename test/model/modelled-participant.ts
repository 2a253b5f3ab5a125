// What the reference model knows and announces about one participant, step by step.
import {
  areLabels,
  type Connection,
  connectionsByDevice,
  describe,
  describePast,
  devicesOf,
  identityOf,
  inOrder,
  isFact,
  labelsOf,
  type ModelEvent,
  newestOf,
  type Policy,
  type Presence,
  presenceOf,
} from './presence-model.js';

type Visible = Pick<Presence, 'state' | 'sinceMs' | 'isDoubtful'> &
  Partial<Presence['devices'][number]> & { availability?: { value: string; sinceMs: number } };

/** Everything known about a participant until it is forgotten. */
interface Known {
  readonly events: readonly ModelEvent[];
  /** The connections of forgotten devices. */
  readonly past: readonly Connection[];
  /** An event of an unknown device up to this time may belong to a forgotten device. */
  readonly staleUpToMs: number;
  readonly tag?: string;
  readonly ref?: string;
  readonly labels?: Record<string, string>;
  readonly version: number;
  readonly view: Presence;
  /** Of each device, in order. */
  readonly connections: ReadonlyMap<string, readonly Connection[]>;
}

export class ModelledParticipant {
  readonly changes: object[] = [];
  readonly #heard: ModelEvent[] = [];
  known: Known | undefined;

  constructor(
    private readonly subject: object,
    private readonly policy: Policy & { retentionMs: number },
  ) {}

  /** `received`: the events of one commit. */
  step(received: readonly ModelEvent[], nowMs: number): void {
    const { version, past = [], staleUpToMs = Number.NEGATIVE_INFINITY, events: before = [] } = this.known ?? {};
    const accepted = withoutStale(received, before, staleUpToMs);
    const events = [...before, ...accepted];
    if (events.length === 0) return;
    this.#heard.push(...accepted);
    const view = presenceOf(events, this.policy, nowMs, past);
    const next = {
      events,
      past,
      staleUpToMs,
      tag: newestOf(this.#heard, 'tag')?.tag,
      ref: newestOf(this.#heard, 'ref')?.ref,
      labels: labelsOf(this.#heard),
      version: version ?? nowMs - 1,
      view,
      connections: connectionsByDevice(events, this.policy, nowMs),
    };
    const known = new Set(before.map(identityOf));
    const applied = inOrder(
      accepted.filter((event) => !known.has(identityOf(event))),
      this.policy,
    );
    const changes = this.#changesTo({ ...next, version: next.version + 1 }, applied, nowMs);
    this.changes.push(...changes);
    this.known = this.#forget({ ...next, version: next.version + (changes.length > 0 ? 1 : 0) }, nowMs);
    if (!this.known) this.#heard.length = 0;
  }

  /** The first time at which a step without events changes something. */
  dueMs(nowMs: number): number {
    const { known, policy } = this;
    if (!known) return Number.POSITIVE_INFINITY;
    const { graceMs, leaveGraceMs, maxConnectionMs, retentionMs } = policy;
    const delaysMs = [graceMs, leaveGraceMs, maxConnectionMs + 1, retentionMs, maxConnectionMs + retentionMs];
    const moments = known.events.flatMap(({ received, at, until }) => [
      ...delaysMs.map((delayMs) => received + delayMs),
      ...(until === undefined ? [] : [Math.max(until, at)]),
    ]);
    const isDue = (ms: number) => {
      const view = presenceOf(known.events, policy, ms, known.past);
      return JSON.stringify(view) !== JSON.stringify(known.view) || this.#forget(known, ms) !== known;
    };
    return moments.toSorted((a, b) => a - b).find((ms) => ms > nowMs && isDue(ms)) ?? Number.POSITIVE_INFINITY;
  }

  /** The changes, devices before the participant. */
  #changesTo(
    { view, connections, tag, ref, labels = {}, version }: Known,
    applied: readonly ModelEvent[],
    nowMs: number,
  ): object[] {
    const { view: before, tag: previousTag, ref: previousRef, labels: previousLabels = {} } = this.known ?? {};
    const change = (
      now: Visible,
      was: Visible | undefined,
      verb: string | undefined,
      events: readonly ModelEvent[],
    ) => {
      if (verb === undefined) return [];
      const { state, cause, sinceMs, deviceId, isDoubtful, availability } = now;
      const type = `${deviceId === undefined ? 'participant' : 'device'}.${verb}`;
      const event = events.at(-1);
      const isOperators = event?.kind.startsWith('set-') ?? false;
      const occurredAtMs = isOperators ? null : (event?.at ?? null);
      const times = { sinceMs, occurredAtMs, receivedAtMs: event?.received ?? nowMs };
      const whose = {
        subject: this.subject,
        deviceId,
        tag,
        ...(ref && { participantRef: ref }),
        ...orNone({ labels }),
      };
      return [
        {
          type,
          ...whose,
          state,
          previousState: was?.state ?? null,
          cause,
          ...(isDoubtful && { isDoubtful }),
          ...(availability && { availability }),
          ...times,
          version,
        },
      ];
    };
    const ofDevices = view.devices.flatMap((now) => {
      const was = before?.devices.find(({ deviceId }) => deviceId === now.deviceId);
      const ofDevices = applied.filter((event) => !isFact(event) && !areLabels(event));
      const events = ofDevices.filter(({ device = now.deviceId }) => device === now.deviceId);
      const { connection, isOther } = connectionOf(
        connections.get(now.deviceId) ?? [],
        this.known?.connections,
        now.deviceId,
      );
      const verb = difference(was, now) ?? (isOther ? 'updated' : undefined);
      return change(now, was, verb, events).map((one) => ({ ...one, connection }));
    });
    const isRetagged = before !== undefined && previousTag !== tag;
    const areOther = before !== undefined && JSON.stringify(previousLabels) !== JSON.stringify(labels);
    const isOther = isRetagged || areOther || (before !== undefined && previousRef !== ref);
    const verb = difference(before, view) ?? (isOther ? 'updated' : undefined);
    const own = change(view, before, verb, applied);
    return [
      ...ofDevices,
      ...own.map((one) => ({
        ...one,
        ...(isRetagged && { previousTag }),
        ...(areOther && orNone({ previousLabels })),
      })),
    ];
  }

  /** Forgets devices whose retention has passed since their end; those of a gone participant are only forgotten together. */
  #forget(known: Known, nowMs: number): Known | undefined {
    const { events, view, past, staleUpToMs } = known;
    const ids = devicesOf(events);
    if (ids.length === 0) {
      const lastMs = Math.max(...events.map(({ received }) => received));
      return lastMs + this.policy.retentionMs <= nowMs ? undefined : known;
    }
    const histories = connectionsByDevice(events, this.policy, nowMs);
    const old = ids.filter((id) => {
      const { phase, last } = histories.get(id)?.at(-1) ?? {};
      return phase === 'ended' && last && last.received + this.policy.retentionMs <= nowMs;
    });
    if (old.length === ids.length) return undefined;
    if (old.length === 0 || view.state === 'gone') return known;
    const connections = old.flatMap((id) => histories.get(id) ?? []);
    const connected = old.filter((id) => histories.get(id)?.at(-1)?.start !== null);
    const endsMs = events.filter(({ device = '' }) => connected.includes(device)).map(({ at }) => at);
    return {
      ...known,
      events: events.filter(({ device = '' }) => !old.includes(device)),
      past: [...past, ...connections],
      staleUpToMs: Math.max(staleUpToMs, ...endsMs),
      view: { ...view, devices: view.devices.filter(({ deviceId }) => !old.includes(deviceId)) },
    };
  }
}

/** `isOther`: whether an earlier connection, or what the view does not show, differs from what was announced. */
function connectionOf(all: readonly Connection[], announced: Known['connections'] | undefined, deviceId: string) {
  const known = announced?.get(deviceId) ?? [];
  const past = all.slice(0, -1).map(describePast);
  const isSame = (a: object, b: object | undefined) => JSON.stringify(a) === JSON.stringify(b);
  const from = past.findIndex((one, n) => known[n]?.phase !== 'ended' || !isSame(one, describePast(known[n])));
  const current = describe(all.at(-1) as Connection);
  const correction = from === -1 ? undefined : { from, connections: past.slice(from) };
  const last = known.at(-1);
  const isOther =
    correction !== undefined || known.length !== all.length || describe(last as Connection).startMs !== current.startMs;
  return { connection: { number: past.length, ...current, ...(correction && { correction }) }, isOther };
}

function withoutStale(received: readonly ModelEvent[], known: readonly ModelEvent[], staleUpToMs: number) {
  const devices = new Set(known.map(({ device }) => device));
  return received.filter(({ device, at }) => {
    if (at > staleUpToMs) devices.add(device);
    return device === undefined || devices.has(device);
  });
}

/** Without a member that is an empty object. */
function orNone(member: Record<string, object>): object {
  return Object.fromEntries(Object.entries(member).filter(([, value]) => Object.keys(value).length > 0));
}

function difference(was: Visible | undefined, now: Visible): string | undefined {
  if (was?.state !== now.state) return now.state;
  const details = ['sinceMs', 'untilMs', 'cause', 'isDoubtful', 'connectedAtMs', 'interruptions'] as const;
  const isOther = JSON.stringify(was.availability) !== JSON.stringify(now.availability);
  return isOther || details.some((name) => was[name] !== now[name]) ? 'updated' : undefined;
}
