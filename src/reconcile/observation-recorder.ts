// Records the answers of providers, as far as they are news, and counts what they correct.
import { Inject, Injectable } from '@nestjs/common';
import { type Observation, observationsOf } from '../domain/observation.js';
import type { ParticipantRecord } from '../domain/participant.js';
import type { PresencePolicy } from '../domain/policy.js';
import { Recorder } from '../presence/write/recorder.js';
import { readableRecord } from '../storage/encoding/record-codec.js';
import { keyOf, type SubjectKey } from '../storage/encoding/subject-key.js';
import { type RecordStore, StoreUnavailableError } from '../storage/ports.js';
import { RECORD_STORE } from '../storage/tokens.js';
import type { Direction } from './source-state.js';

/** `correction`: what was wrong; undefined: nothing visible. */
export interface Recorded {
  readonly isNews: boolean;
  readonly correction: Direction | undefined;
}

@Injectable()
export class ObservationRecorder {
  constructor(
    private readonly recorder: Recorder,
    @Inject(RECORD_STORE) private readonly records: RecordStore,
  ) {}

  /** undefined: unknown, forgotten or not readable. Rejects with StoreUnavailableError. */
  async load(keys: readonly SubjectKey[]): Promise<(ParticipantRecord | undefined)[]> {
    const found = await this.records.load(keys);
    return found.map((text, index) => {
      if (text instanceof StoreUnavailableError) throw text;
      return text === null ? undefined : readableRecord(keys[index] as SubjectKey, text);
    });
  }

  /** `record`: loaded after the answer was received. Rejects like `Recorder.record`. */
  async record(
    observation: Observation,
    record: ParticipantRecord | undefined,
    policy: PresencePolicy,
  ): Promise<Recorded> {
    const events = observationsOf(observation, record, policy);
    const verdicts = await Promise.all(events.map((event) => this.recorder.record(event)));
    const applied = events.filter((_, index) => verdicts[index] === 'applied');
    const isConnected = record?.announced.state === 'connected';
    const isSeen = applied.some(({ kind }) => kind !== 'unseen');
    const isUnseen = applied.some(({ kind }) => kind === 'unseen');
    const isRemoved = isConnected && isUnseen && observation.devices.length === 0;
    const correction = isRemoved ? 'removed' : isSeen && !isConnected ? 'added' : undefined;
    return { isNews: events.length > 0, correction };
  }

  async loadAndRecord(observation: Observation, policy: PresencePolicy): Promise<Recorded> {
    const [record] = await this.load([keyOf(observation.subject)]);
    return this.record(observation, record, policy);
  }
}
