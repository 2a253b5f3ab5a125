// Takes the events of callbacks: into the store or, while the store cannot take them, into the spool. Keeps the newest ones, to
// apply them again when the store may have lost them.
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import type { Verdict } from '../domain/device-history.js';
import { ProblemError } from '../http/problem.js';
import { LOG } from '../observability/logging.js';
import { ThrottledLog } from '../observability/throttled-log.js';
import type { RequestSpan } from '../observability/tracing/tracer.js';
import { FeedQuotaError } from '../presence/write/feed-quota.js';
import { ParticipantLimitError } from '../presence/write/participant-limit.js';
import { UnreadableRecordError } from '../presence/write/recorder.js';
import { CLOCK, type Clock } from '../runtime/clock.js';
import { EntryWaitsError, Spool, type SpoolConsumer } from '../spool/spool.js';
import { type Storage, StoreUnavailableError } from '../storage/ports.js';
import { STORAGE } from '../storage/tokens.js';
import { type AcceptedEvent, acceptedEvent, parseSpooled, spooledText, spoolKeyOf } from './accepted-event.js';
import type { CallbackCredentials } from './authentication/callback-authenticator.js';
import { NewParticipantLimit } from './authentication/new-participant-limit.js';
import { Bindings } from './callback-urls/bindings.js';
import { EndsWithoutParticipant } from './ends-without-participant.js';
import { type ReceivedCallback, RefusedCallbacks } from './refused-callbacks.js';
import type { ReplayWindow } from './replay-window.js';
import type { ProviderEvent } from './source.js';

/** Events that are applied again at the same time. */
const REPLAY_BATCH = 128;

/** `pending`: the end of a room, which is applied to its participants soon. */
export type Intake = Verdict | 'spooled' | 'pending';

export const REPLAY_WINDOW = Symbol('ReplayWindow');

@Injectable()
export class EventIntake implements SpoolConsumer, OnApplicationBootstrap, OnApplicationShutdown {
  #replay: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(
    private readonly ends: EndsWithoutParticipant,
    private readonly bindings: Bindings,
    private readonly newParticipants: NewParticipantLimit,
    private readonly spool: Spool,
    private readonly refused: RefusedCallbacks,
    @Inject(REPLAY_WINDOW) private readonly recent: ReplayWindow,
    @Inject(STORAGE) private readonly storage: Pick<Storage, 'check' | 'intactAtMs' | 'onPossibleLoss'>,
    @Inject(CLOCK) private readonly clock: Clock,
    @Inject(LOG) private readonly log: Logger,
    private readonly throttledLog: ThrottledLog,
  ) {}

  onApplicationBootstrap(): void {
    this.spool.start(this);
    this.storage.onPossibleLoss(() => this.#requestReplay());
  }

  /** Requests have been answered by now. */
  async onApplicationShutdown(): Promise<void> {
    this.#isStopped = true;
    await this.#replay;
    await this.spool.stop();
  }

  /**
   * Resolves when the event is durable: in the store, or `spooled`. Rejects with a problem, an error of presence, or
   * StoreUnavailableError.
   */
  take(
    event: ProviderEvent,
    callback: ReceivedCallback,
    { secretNumber }: Pick<CallbackCredentials, 'secretNumber'>,
  ): Promise<Intake> {
    const admitNew = () => this.newParticipants.admit(secretNumber);
    return this.#recordOrSpool(acceptedEvent(event, callback), callback, admitNew);
  }

  /**
   * Like `take`, for the event of a callback that an operator replays: the limit on new participants per minute does not apply.
   * `isBinding`: whether the minted URL must belong to the participant.
   */
  replay(event: ProviderEvent, callback: ReceivedCallback, isBinding: boolean): Promise<Intake> {
    const accepted = acceptedEvent(event, callback);
    return this.#recordOrSpool(isBinding ? accepted : { event: accepted.event }, callback);
  }

  async #recordOrSpool(
    accepted: AcceptedEvent,
    callback: ReceivedCallback,
    admitNew?: () => Error | undefined,
  ): Promise<Intake> {
    let failure: StoreUnavailableError | undefined;
    if (!this.spool.holds(spoolKeyOf(accepted))) {
      try {
        const verdict = await this.#record(accepted, admitNew, callback.span);
        this.#remember(accepted);
        return verdict;
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error;
        failure = error;
      }
    }
    // If the commit had only lost its reply, the event is applied twice, which changes nothing.
    if (await this.#spool(accepted, callback)) return 'spooled';
    throw failure ?? new StoreUnavailableError('earlier events of the participant are spooled');
  }

  async canApply(): Promise<'all' | 'some' | 'none'> {
    return this.storage.check().then(
      () => 'all',
      (error: unknown) => (error instanceof StoreUnavailableError && error.isPartial ? 'some' : 'none'),
    );
  }

  apply(texts: readonly string[]): Promise<readonly PromiseSettledResult<void>[]> {
    return Promise.allSettled(texts.map((text) => this.#applySpooled(text)));
  }

  /**
   * The event was acknowledged, so limits only delay it. The limit on new participants per minute does not apply, because it was
   * not known which participants were new.
   */
  async #applySpooled(text: string): Promise<void> {
    const { accepted, received } = parseSpooled(text);
    try {
      await this.#record(accepted);
      this.#remember(accepted);
    } catch (error) {
      if (concernsOneParticipant(error)) throw new EntryWaitsError(error.message, { cause: error });
      if (!(error instanceof ProblemError)) throw error;
      const kept = received && this.refused.keep(received, error.reason);
      this.throttledLog.add('spooled event refused', {
        level: 'warn',
        message: 'spooled event refused',
        linesPerMinute: 10,
        logFields: () => ({ reason: error.reason, ...error.logFields, ...kept }),
      });
    }
  }

  async #record(
    { event, grant }: AcceptedEvent,
    admitNew?: () => Error | undefined,
    span?: RequestSpan,
  ): Promise<Exclude<Intake, 'spooled'>> {
    if (event.subject === undefined) {
      if (!grant) return this.ends.take(event);
      const detail = 'This callback URL is that of one participant, and the event may concern others.';
      throw new ProblemError('wrong-participant', { detail }, { logFields: { ref: grant.ref } });
    }
    if (grant && !(await this.bindings.bind(event.subject, grant.ref, grant.expiresAtMs))) {
      const detail = 'This callback URL is bound to another participant.';
      throw new ProblemError('wrong-participant', { detail }, { logFields: { ref: grant.ref } });
    }
    return this.ends.record(event, admitNew, span);
  }

  #spool(accepted: AcceptedEvent, callback?: ReceivedCallback): Promise<boolean> {
    const { receivedAtMs } = accepted.event;
    return this.spool.add({ key: spoolKeyOf(accepted), receivedAtMs, text: spooledText(accepted, callback) });
  }

  #remember(accepted: AcceptedEvent): void {
    this.recent.add(accepted, this.clock.now(), this.storage.intactAtMs);
  }

  /** The store may have lost its newest commits. */
  #requestReplay(): void {
    const events = this.recent.items(this.storage.intactAtMs);
    this.#replay = this.#replay.then(() => this.#replayAll(events));
  }

  /** Applying events again changes nothing unless some were lost. */
  async #replayAll(events: readonly AcceptedEvent[]): Promise<void> {
    let restored = 0;
    for (let first = 0; first < events.length && !this.#isStopped; first += REPLAY_BATCH) {
      const verdicts = await Promise.all(
        events.slice(first, first + REPLAY_BATCH).map((event) => this.#reapply(event)),
      );
      restored += verdicts.filter((verdict) => verdict === 'applied').length;
    }
    const facts = { events: events.length, restored };
    if (restored > 0) this.log.warn(facts, 'the store had lost events that were acknowledged; they were applied again');
    else this.log.debug(facts, 'the events of the last REPLAY_WINDOW_MS were applied again; none was missing');
  }

  async #reapply(recorded: AcceptedEvent): Promise<Intake | undefined> {
    try {
      return await this.#record(recorded);
    } catch (error) {
      if (error instanceof StoreUnavailableError && (await this.#spool(recorded))) return undefined;
      const { participantId } = recorded.event.subject ?? {};
      this.log.error(
        { participantId, reason: (error as Error).message },
        'an acknowledged event could not be applied again',
      );
      return undefined;
    }
  }
}

function concernsOneParticipant(error: unknown): error is Error {
  return [FeedQuotaError, ParticipantLimitError, UnreadableRecordError].some((kind) => error instanceof kind);
}
