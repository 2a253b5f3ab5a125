// Takes the events of callbacks: into the store or, while the store cannot take them, into the spool.
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { LifecycleEvent } from '../domain/lifecycle-event.js';
import { ProblemError } from '../http/problem.js';
import { ThrottledLog } from '../observability/throttled-log.js';
import { FeedQuotaError } from '../presence/write/feed-quota.js';
import { ParticipantLimitError } from '../presence/write/participant-limit.js';
import { Recorder } from '../presence/write/recorder.js';
import { Spool, type SpoolConsumer } from '../spool/spool.js';
import { keyOf } from '../storage/encoding/subject-key.js';
import { StoreUnavailableError } from '../storage/ports.js';
import type { CallbackCredentials } from './authentication/callback-authenticator.js';
import { NewParticipantLimit } from './authentication/new-participant-limit.js';
import { Bindings } from './callback-urls/bindings.js';

interface Spooled {
  readonly event: LifecycleEvent;
  readonly grant?: CallbackCredentials['grant'];
}

@Injectable()
export class EventIntake implements SpoolConsumer, OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly recorder: Recorder,
    private readonly bindings: Bindings,
    private readonly newParticipants: NewParticipantLimit,
    private readonly spool: Spool,
    private readonly log: ThrottledLog,
  ) {}

  onApplicationBootstrap(): void {
    this.spool.start(this);
  }

  /** Requests have been answered by now. */
  async onApplicationShutdown(): Promise<void> {
    await this.spool.stop();
  }

  /**
   * Resolves when the event is durable: `recorded` in the store, or `spooled`. Rejects with a problem, an error of presence, or
   * StoreUnavailableError.
   */
  async take(event: LifecycleEvent, { grant, secretNumber }: CallbackCredentials): Promise<'recorded' | 'spooled'> {
    const key = keyOf(event.subject);
    let failure: unknown = new StoreUnavailableError('earlier events of the participant are spooled');
    if (!this.spool.holds(key)) {
      try {
        await this.#record(event, grant, () => this.newParticipants.admit(secretNumber));
        return 'recorded';
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error;
        failure = error;
      }
    }
    const spooled: Spooled = { event, ...(grant && { grant }) };
    const { receivedAtMs } = event;
    // If the commit had only lost its reply, the event is applied twice, which changes nothing.
    if (await this.spool.add({ key, receivedAtMs, text: JSON.stringify(spooled) })) return 'spooled';
    throw failure;
  }

  /**
   * Applies a spooled event. It was acknowledged, so limits do not refuse it, but only make it wait: that of new participants per
   * minute does not apply, because which participants are new was not known.
   */
  async apply(text: string): Promise<void> {
    const { event, grant } = JSON.parse(text) as Spooled;
    try {
      await this.#record(event, grant);
    } catch (error) {
      if (error instanceof FeedQuotaError || error instanceof ParticipantLimitError) {
        throw new StoreUnavailableError(error.message, { cause: error });
      }
      if (!(error instanceof ProblemError)) throw error;
      this.log.add('spooled event refused', {
        level: 'warn',
        message: 'spooled event refused',
        linesPerMinute: 10,
        logFields: () => ({ reason: error.reason, ...error.logFields }),
      });
    }
  }

  async #record(event: LifecycleEvent, grant: Spooled['grant'], admitNew?: () => Error | undefined): Promise<void> {
    if (grant && !(await this.bindings.bind(event.subject, grant.ref, grant.expiresAtMs))) {
      const detail = 'This callback URL is bound to another participant.';
      throw new ProblemError('wrong-participant', { detail }, { logFields: { ref: grant.ref } });
    }
    await this.recorder.record(event, admitNew);
  }
}
