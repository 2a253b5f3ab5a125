// Ends that do not name the participants they affect: those of rooms, and those of devices whose participant the provider
// leaves out. They are stored before they are acknowledged, then applied to the participants that are known, and to each event
// that is received later. An event is committed before it looks for ends that were stored meanwhile, and an end is stored before
// it looks for participants, so one of the two finds the other.
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Verdict } from '../domain/device-history.js';
import {
  type DeviceEnd,
  isAvailability,
  type ParticipantEnd,
  type RecordedEvent,
  type RoomEnd,
} from '../domain/lifecycle-event.js';
import type { SourceName, Subject } from '../domain/subject.js';
import { LOG } from '../observability/logging.js';
import type { RequestSpan } from '../observability/tracing/tracer.js';
import { Recorder } from '../presence/write/recorder.js';
import type { AdmitNew } from '../presence/write/update-queue.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import {
  decodeEnd,
  deviceTarget,
  type EndWithoutParticipant,
  encodeEnd,
  roomTarget,
  targetOf,
} from '../storage/encoding/end-codec.js';
import { keyOf, type SubjectKey, subjectOf } from '../storage/encoding/subject-key.js';
import type { BindingStore, EndStore, PageCursor, PendingEnd, PresenceIndex } from '../storage/ports.js';
import { BINDING_STORE, END_STORE, PRESENCE_INDEX } from '../storage/tokens.js';
import { SourceRegistry } from './registry.js';
import type { Dialect } from './source.js';

/** Participants of a room that are ended at the same time. */
const PAGE_SIZE = 100;
/** Ends that a process left behind when it crashed are found within this time. */
const RESUME_MS = 10_000;
const RESUMED_AT_ONCE = 100;
/** Sorts before every key. */
const FIRST_KEY = '' as SubjectKey;
/** The participant was forgotten since it was found. */
const FORGOTTEN = new Error('the participant is not stored');

@Injectable()
export class EndsWithoutParticipant implements OnApplicationBootstrap, OnApplicationShutdown {
  /** Only sources that send such ends. */
  readonly #dialects: ReadonlyMap<SourceName, Pick<Dialect, 'endsRooms' | 'endsDevices'>>;
  /** In progress, by target and text. */
  readonly #applying = new Map<string, Promise<Verdict>>();
  #isStopped = false;
  #isFailing = false;
  #cancelResume = () => {};

  constructor(
    private readonly registry: SourceRegistry,
    private readonly recorder: Recorder,
    @Inject(END_STORE) private readonly store: EndStore,
    @Inject(BINDING_STORE) private readonly bindings: BindingStore,
    @Inject(PRESENCE_INDEX) private readonly index: PresenceIndex,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
  ) {
    const senders = registry.all.filter(({ dialect }) => dialect.endsRooms || dialect.endsDevices);
    this.#dialects = new Map(senders.map(({ name, dialect }) => [name, dialect]));
  }

  onApplicationBootstrap(): void {
    if (this.#dialects.size > 0) void this.#resume();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#isStopped = true;
    this.#cancelResume();
    await Promise.allSettled(this.#applying.values());
  }

  /** Resolves when the end is durable. `pending`: it is applied to the participants of the room soon. */
  async take(end: EndWithoutParticipant): Promise<Verdict | 'pending'> {
    const { text, receivedAtMs } = encodeEnd(end);
    await this.store.add(targetOf(end), { text, receivedAtMs }, this.#keepUntilMs(end.source));
    const applied = this.#applyAndSettle(end, text);
    if (end.kind !== 'room-ended') return applied;
    applied.catch((error: unknown) => this.#reportFailure(error));
    return 'pending';
  }

  /** Like `Recorder.record`, together with the ends that the event is before. */
  record(event: RecordedEvent, admitNew?: AdmitNew, span?: RequestSpan): Promise<Verdict> {
    const dialect = this.#dialects.get(event.subject.source);
    // Neither can be before an end that changes it.
    if (!dialect || event.kind === 'left' || isAvailability(event)) return this.recorder.record(event, admitNew, span);
    return this.#recordWithEnds(event, dialect, { admitNew, span });
  }

  async #recordWithEnds(
    event: RecordedEvent,
    { endsRooms, endsDevices }: Pick<Dialect, 'endsRooms' | 'endsDevices'>,
    { admitNew, span }: { readonly admitNew?: AdmitNew | undefined; readonly span?: RequestSpan | undefined },
  ): Promise<Verdict> {
    const { subject, deviceId } = event;
    const { source, scope } = subject;
    const device = endsDevices && deviceId !== undefined ? deviceTarget(source, scope, deviceId) : undefined;
    if (device !== undefined) await this.bindings.bind(refOf(device), keyOf(subject), this.#keepUntilMs(source));
    const room = endsRooms ? roomTarget(source, scope) : undefined;
    const targets = [room, device].filter((target) => target !== undefined);
    const known = (await Promise.all(targets.map((target) => this.#nextEnd(target, event)))).flat();
    // In the same commit, so that a device that is known to have ended is not announced as connected.
    const [verdict] = await Promise.all(
      [event, ...known.map((end) => addressed(end, subject))].map((one) => this.recorder.record(one, admitNew, span)),
    );
    // The end of a device found the binding; that of a room may have looked for participants before the commit.
    if (room !== undefined) {
      const isNew = ({ occurredAtMs }: EndWithoutParticipant) =>
        known.every((end) => end.occurredAtMs !== occurredAtMs);
      const missed = (await this.#nextEnd(room, event)).filter(isNew);
      await Promise.all(missed.map((end) => this.recorder.record(addressed(end, subject))));
    }
    return verdict as Verdict;
  }

  /** The first end of the target that is not before the event, if there is one. */
  async #nextEnd(target: string, { occurredAtMs }: RecordedEvent): Promise<EndWithoutParticipant[]> {
    const ends = (await this.store.list(target)).map(decodeEnd).filter((end) => end.occurredAtMs >= occurredAtMs);
    return ends.sort((a, b) => a.occurredAtMs - b.occurredAtMs).slice(0, 1);
  }

  async #applyAndSettle(end: EndWithoutParticipant, text: string): Promise<Verdict> {
    const target = targetOf(end);
    const id = idOf(target, text);
    const applied = this.#apply(end)
      .then(async (verdict) => {
        await this.store.settle(target, text);
        return verdict;
      })
      .finally(() => this.#applying.delete(id));
    this.#applying.set(id, applied);
    return applied;
  }

  #apply(end: EndWithoutParticipant): Promise<Verdict> {
    return end.kind === 'room-ended' ? this.#endRoom(end) : this.#endDevice(end);
  }

  async #endDevice(end: DeviceEnd): Promise<Verdict> {
    const key = await this.bindings.find(refOf(targetOf(end)));
    return key === null ? 'applied' : this.recorder.record(addressed(end, subjectOf(key)));
  }

  async #endRoom(end: RoomEnd): Promise<Verdict> {
    const failures = await this.#endPages(end, ['connected', 'reconnecting'], null);
    // Of those who are gone, the end may have been earlier than what is known.
    failures.push(...(await this.#endPages(end, ['gone'], { sinceMs: end.occurredAtMs, key: FIRST_KEY })));
    // The end then stays pending, so that those whom it did not reach are tried again.
    if (failures.length > 0) throw failures[0];
    return 'applied';
  }

  /** Resolves with the failures: a participant whose record cannot be read must not keep the others connected. */
  async #endPages(
    end: RoomEnd,
    states: readonly ('connected' | 'reconnecting' | 'gone')[],
    from: PageCursor | null,
  ): Promise<unknown[]> {
    const { source, scope } = end;
    const failures: unknown[] = [];
    for (let after = from; ; ) {
      if (this.#isStopped) throw new Error('the service is stopping');
      const filter = { states, source, group: { kind: 'scope', name: scope } } as const;
      const { items } = await this.index.page(filter, after, PAGE_SIZE);
      // Whoever is present only since a later time has connected again.
      const ended = items.filter(({ sinceMs }) => states.includes('gone') || sinceMs <= end.occurredAtMs);
      const outcomes = await Promise.allSettled(ended.map(({ key }) => this.#endParticipant(subjectOf(key), end)));
      for (const outcome of outcomes) if (outcome.status === 'rejected') failures.push(outcome.reason);
      const last = items.at(-1);
      if (!last || items.length < PAGE_SIZE) return failures;
      after = last;
    }
  }

  async #endParticipant(subject: Subject, end: RoomEnd): Promise<void> {
    await this.recorder
      .record(addressed(end, subject), () => FORGOTTEN)
      .catch((error: unknown) => {
        if (error !== FORGOTTEN) throw error;
      });
  }

  /** Applies what is pending, now and from time to time. */
  async #resume(): Promise<void> {
    try {
      await this.#applyPending();
      if (this.#isFailing) this.log.info('pending ends of rooms and devices can be applied again');
      this.#isFailing = false;
    } catch (error) {
      this.#reportFailure(error);
    }
    if (!this.#isStopped) this.#cancelResume = this.clock.after(RESUME_MS, () => void this.#resume());
  }

  /** Tries each pending end once, the oldest first. Then rejects if one of them has failed. */
  async #applyPending(): Promise<void> {
    const failures = new Map<string, unknown>();
    for (let isMore = true; isMore && !this.#isStopped; ) {
      // Those that have failed are still the oldest ones.
      const pending = await this.store.pending(RESUMED_AT_ONCE + failures.size);
      const untried = pending.filter((stored) => !failures.has(idOf(stored.target, stored.text)));
      for (const stored of untried) {
        if (this.#isStopped) break;
        await this.#applyAgain(stored).catch((error: unknown) => {
          failures.set(idOf(stored.target, stored.text), error);
        });
      }
      isMore = untried.length >= RESUMED_AT_ONCE;
    }
    for (const failure of failures.values()) throw failure;
  }

  async #applyAgain({ target, ...stored }: PendingEnd): Promise<void> {
    const applying = this.#applying.get(idOf(target, stored.text));
    await (applying ?? this.#applyAndSettle(decodeEnd(stored), stored.text));
  }

  #reportFailure(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (!this.#isFailing && !this.#isStopped) {
      this.log.warn(
        { reason },
        'the end of a room or device could not be applied to all participants yet; it will be retried',
      );
    }
    this.#isFailing = true;
  }

  #keepUntilMs(source: SourceName): number {
    return this.clock.now() + this.registry.policyOf(source).retentionMs;
  }
}

function idOf(target: string, text: string): string {
  return `${target} ${text}`;
}

function refOf(target: string): string {
  return `device:${target}`;
}

/** The end as that of a participant. */
function addressed(end: EndWithoutParticipant, subject: Subject): RecordedEvent {
  const { kind, source: _source, scope: _scope, deviceId, ...event } = end;
  switch (kind) {
    case 'room-ended':
      return { ...event, subject, kind: 'participant-left' } as ParticipantEnd;
    case 'device-left':
      return { ...event, subject, deviceId, kind: 'left' } as RecordedEvent;
    case 'device-disconnected':
      return { ...event, subject, deviceId, kind: 'disconnected' } as RecordedEvent;
  }
}
