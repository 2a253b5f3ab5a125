// Why a participant has the presence last announced: the events kept, in the order in which they count, with the rule that each
// met. It is computed anew from the record, with an observer, by the functions that computed the presence.
import type { AvailabilityStep } from './availability.js';
import { changesBetween } from './change.js';
import type { Connection, Step } from './connection.js';
import { type Deadline, deadlineOf, nextDeadline } from './deadline.js';
import type { DeviceHistory, FoldedEvent } from './device-history.js';
import { NO_LABELS } from './labels.js';
import { type DeviceEvent, type DeviceId, type KeptEvent, orderedAtMs } from './lifecycle-event.js';
import type { Observer } from './observer.js';
import type { Supersession } from './one-device.js';
import { type ParticipantRecord, settledDevices, viewOf } from './participant.js';
import type { PresencePolicy } from './policy.js';
import type { DeviceView, ParticipantView } from './presence-view.js';
import { askAtMs } from './questions.js';
import type { Rule } from './rules.js';
import { stayOf } from './stay.js';

/** What happened, and what that did: an event, the connect of a newer device, or the passing of time. */
export type ExplainedStep = EventStep | SupersessionStep | TimeStep;

interface Overtaken {
  /** How many events that count later were received earlier. */
  readonly overtakenBy: number;
}

interface EventStep extends FoldedEvent, Overtaken {}

interface SupersessionStep extends Step {
  /** `deviceId` is undefined if the connect is no longer kept. */
  readonly by: Supersession & { readonly deviceId?: DeviceId | undefined };
}

interface TimeStep extends Step {
  /** On our clock. */
  readonly atMs: number;
}

export interface ExplainedDevice {
  readonly view: DeviceView;
  readonly connection: Connection;
  /** What the events that are no longer kept one by one led to. */
  readonly base?: DeviceHistory['base'];
  readonly steps: readonly ExplainedStep[];
  readonly next: Deadline;
}

interface ExplainedEnd extends Overtaken {
  readonly event: DeviceEvent;
}

export interface ExplainedFact extends AvailabilityStep, Overtaken {}

export interface Explanation {
  /** As the steps give it. */
  readonly view: ParticipantView;
  /** Why it has its state. */
  readonly rule: Rule;
  /** In the order of the view. */
  readonly devices: readonly ExplainedDevice[];
  /** Of all devices, in order. They are also among the steps of each device. */
  readonly ends: readonly ExplainedEnd[];
  readonly availability: readonly ExplainedFact[];
  readonly next: Deadline;
  /** When, on our clock, the provider is next asked; undefined: not before another event. */
  readonly askAtMs?: number | undefined;
  /**
   * The announced view is not that of the steps: the policy has changed since, or another version of the rules announced it. It is
   * computed again with the next event or deadline.
   */
  readonly isOutdated: boolean;
  readonly policy: PresencePolicy;
}

/** As of when the record was last advanced, because what is announced is only as new. */
export function explain(record: ParticipantRecord, policy: PresencePolicy): Explanation {
  // Without that time, nothing can have ended.
  const nowMs = record.settledAtMs ?? Number.NEGATIVE_INFINITY;
  const observed = new Observed(record, policy);
  const devices = settledDevices(record, policy, nowMs, observed);
  const earlier = devices.flatMap((device) => device.earlier.map((connection) => stayOf(connection, policy)));
  const { ends, availabilityFacts: facts, labels } = record;
  const known = { devices, pastStays: [...record.pastStays, ...earlier], ends, facts, labels };
  const { view, changesAtMs } = viewOf(known, policy, nowMs, observed);
  const connections = new Map(devices.map(({ deviceId, connection }) => [deviceId, connection]));
  const explained = view.devices.map((device): ExplainedDevice => {
    const { deviceId } = device;
    const connection = connections.get(deviceId) as Connection;
    const base = record.devices.get(deviceId)?.base;
    const next = deadlineOf({ deviceId, connection }, policy);
    return { view: device, connection, ...(base && { base }), steps: observed.stepsOf(deviceId), next };
  });
  const next = nextOf(record, explained, changesAtMs, policy);
  return {
    view,
    rule: observed.rule,
    devices: explained,
    ends: ends.map((event, n) => ({ event, overtakenBy: overtakenBy(ends, n) })),
    availability: observed.facts,
    next,
    askAtMs: askAtMs(record, policy),
    isOutdated: next.rule === 'recomputed' || isOther(record, view),
    policy,
  };
}

class Observed implements Observer {
  readonly facts: ExplainedFact[] = [];
  #rule: Rule | undefined;
  readonly #steps = new Map<DeviceId, ExplainedStep[]>();

  constructor(
    private readonly record: ParticipantRecord,
    private readonly policy: PresencePolicy,
  ) {}

  get rule(): Rule {
    if (!this.#rule) throw new Error('nothing was observed');
    return this.#rule;
  }

  readonly folded = (deviceId: DeviceId, folded: FoldedEvent): void => {
    this.#add(deviceId, { ...folded, overtakenBy: 0 });
  };

  readonly superseded = ({ deviceId }: { deviceId: DeviceId }, step: Step, by: Supersession): void => {
    this.#add(deviceId, { ...step, by: { ...by, deviceId: this.#connecting(deviceId, by) } });
  };

  readonly elapsed = (deviceId: DeviceId, step: Step): void => {
    const before = this.#steps.get(deviceId)?.at(-1)?.connection ?? this.record.devices.get(deviceId)?.base?.connection;
    const { atMs } = deadlineOf({ deviceId, connection: before as Connection }, this.policy);
    this.#add(deviceId, { ...step, atMs });
  };

  readonly presence = (rule: Rule): void => {
    this.#rule = rule;
  };

  readonly availability = (step: AvailabilityStep): void => {
    const facts = this.record.availabilityFacts;
    this.facts.push({ ...step, overtakenBy: overtakenBy(facts, facts.indexOf(step.fact)) });
  };

  stepsOf(deviceId: DeviceId): readonly ExplainedStep[] {
    const steps = this.#steps.get(deviceId) ?? [];
    const events = steps.flatMap((step) => ('event' in step ? [step.event] : []));
    return steps.map((step, n) => ('event' in step ? { ...step, overtakenBy: overtakenBy(events, n) } : step));
  }

  #add(deviceId: DeviceId, step: ExplainedStep): void {
    const steps = this.#steps.get(deviceId);
    if (steps) steps.push(step);
    else this.#steps.set(deviceId, [step]);
  }

  /** The other device that connected then. */
  #connecting(superseded: DeviceId, { atMs, receivedAtMs }: Supersession): DeviceId | undefined {
    const isConnect = (event: KeptEvent) =>
      event.kind === 'connected' && orderedAtMs(event) === atMs && event.receivedAtMs === receivedAtMs;
    const devices = [...this.record.devices].filter(([id, { events }]) => id !== superseded && events.some(isConnect));
    return devices.map(([id]) => id).sort()[0];
  }
}

/** How many of the events after this one were received before it. */
function overtakenBy(events: readonly KeptEvent[], index: number): number {
  const receivedAtMs = events[index]?.receivedAtMs ?? 0;
  return events.slice(index + 1).filter((later) => later.receivedAtMs < receivedAtMs).length;
}

function nextOf(
  { announced, deadlineMs }: ParticipantRecord,
  devices: readonly ExplainedDevice[],
  changesAtMs: number | undefined,
  policy: PresencePolicy,
): Deadline {
  if (devices.length === 0) return { atMs: deadlineMs, rule: 'participant-forgotten' };
  const settled = devices.map(({ view: { deviceId }, connection }) => ({ deviceId, connection }));
  const next = nextDeadline(settled, announced.state, policy);
  const first: Deadline =
    changesAtMs !== undefined && changesAtMs < next.atMs ? { atMs: changesAtMs, rule: 'availability-over' } : next;
  return first.atMs === deadlineMs ? first : { atMs: deadlineMs, rule: 'recomputed' };
}

function isOther({ subject, version, announced }: ParticipantRecord, view: ParticipantView): boolean {
  const unchanged = { subject, labels: NO_LABELS };
  return changesBetween({ ...unchanged, view: announced }, { ...unchanged, version, view }, [], 0).length > 0;
}
