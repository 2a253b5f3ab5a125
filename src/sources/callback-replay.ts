// Applies callbacks whose credentials and signatures were checked before: quarantined ones that are replayed, and forwarded ones.
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ProblemError, type RefusalReason } from '../http/problem.js';
import { isQuarantineReason } from '../quarantine/reasons.js';
import { type CallbackReplayer, QuarantineReplay, type ReplayResult } from '../quarantine/replay.js';
import type { QuarantinedCallback } from '../storage/ports.js';
import { CallbackReceiver } from './callback-receiver.js';
import { EventIntake } from './event-intake.js';
import { grantOf, type ReceivedCallback } from './refused-callbacks.js';
import { SourceRegistry } from './registry.js';
import type { ProviderEvent } from './source.js';

@Injectable()
export class CallbackReplay implements CallbackReplayer, OnApplicationBootstrap {
  constructor(
    private readonly registry: SourceRegistry,
    private readonly receiver: CallbackReceiver,
    private readonly intake: EventIntake,
    private readonly quarantine: QuarantineReplay,
  ) {}

  onApplicationBootstrap(): void {
    this.quarantine.start(this);
  }

  replay(callback: QuarantinedCallback): Promise<ReplayResult> {
    // If the URL is bound to another participant, an operator has decided that the callback is genuine.
    return this.apply({ ...callback, grant: grantOf(callback) }, callback.reason !== 'wrong-participant');
  }

  /** `isBinding`: whether a minted URL must belong to the participant. Rejects like `replay`. */
  async apply(callback: ReceivedCallback, isBinding = true): Promise<ReplayResult> {
    const { source, body, contentType, receivedAtMs } = callback;
    const registered = this.registry.all.find(({ name }) => name === source);
    if (!registered) return refused('source-not-configured', `The source ${source} is not configured.`);
    try {
      const translation = registered.source.translate(this.receiver.parse(body, contentType), receivedAtMs);
      switch (translation.outcome) {
        case 'invalid':
          return { ...refused('invalid-fields', 'The callback is not valid.'), errors: translation.errors };
        case 'unknown':
          return refused('unknown-event', 'The kind of event is not known.');
        case 'ignored':
          return { outcome: 'ignored' };
        case 'events':
          return { outcome: await this.#applyEvents(callback, translation.events, isBinding) };
      }
    } catch (error) {
      if (!(error instanceof ProblemError && isQuarantineReason(error.reason))) throw error;
      return refused(error.reason, error.message);
    }
  }

  async #applyEvents(
    received: ReceivedCallback,
    events: readonly ProviderEvent[],
    isBinding: boolean,
  ): Promise<'applied' | 'ignored' | 'spooled'> {
    const outcomes = await Promise.all(events.map((event) => this.intake.replay(event, received, isBinding)));
    if (outcomes.includes('spooled')) return 'spooled';
    return outcomes.includes('applied') || outcomes.includes('pending') ? 'applied' : 'ignored';
  }
}

function refused(reason: RefusalReason, detail: string) {
  return { outcome: 'refused', reason, detail } as const;
}
