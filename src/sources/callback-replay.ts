// Replays quarantined callbacks: translates and applies them, but checks neither credentials nor signatures again.
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ProblemError } from '../http/problem.js';
import { isQuarantineReason } from '../quarantine/reasons.js';
import { type CallbackReplayer, QuarantineReplay, type ReplayResult } from '../quarantine/replay.js';
import type { QuarantinedCallback } from '../storage/ports.js';
import { CallbackReceiver } from './callback-receiver.js';
import { EventIntake } from './event-intake.js';
import { grantOf } from './refused-callbacks.js';
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

  async replay(callback: QuarantinedCallback): Promise<ReplayResult> {
    const registered = this.registry.all.find(({ name }) => name === callback.source);
    if (!registered) return { outcome: 'refused', detail: `The source ${callback.source} is not configured.` };
    try {
      const body = this.receiver.parse(callback.body, callback.contentType);
      const translation = registered.source.translate(body, callback.receivedAtMs);
      switch (translation.outcome) {
        case 'invalid':
          return { outcome: 'refused', detail: 'The callback is still not valid.', errors: translation.errors };
        case 'unknown':
          return { outcome: 'refused', detail: 'The kind of event is still not known.' };
        case 'ignored':
          return { outcome: 'ignored' };
        case 'events':
          return { outcome: await this.#apply(callback, translation.events) };
      }
    } catch (error) {
      if (!(error instanceof ProblemError && isQuarantineReason(error.reason))) throw error;
      return { outcome: 'refused', detail: error.message };
    }
  }

  async #apply(
    callback: QuarantinedCallback,
    events: readonly ProviderEvent[],
  ): Promise<'applied' | 'ignored' | 'spooled'> {
    // If the URL is bound to another participant, an operator has decided that the callback is genuine.
    const isBinding = callback.reason !== 'wrong-participant';
    const received = { ...callback, grant: grantOf(callback) };
    const outcomes = await Promise.all(events.map((event) => this.intake.replay(event, received, isBinding)));
    if (outcomes.includes('spooled')) return 'spooled';
    return outcomes.includes('applied') || outcomes.includes('pending') ? 'applied' : 'ignored';
  }
}
