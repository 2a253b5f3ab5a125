// The attempts and dead letters of one endpoint that are not stored yet.
import { newTimedId } from '../../storage/timed-id.js';
import type { DeliveryRecord, DeliveryUpdate } from '../../storage/webhook-ports.js';
import { type Attempt, type AttemptResult, type DeadLetter, encodeRecord, MAX_ATTEMPTS } from './delivery-records.js';
import type { Message } from './message.js';
import type { Outgoing } from './outgoing.js';

interface AttemptFacts {
  readonly message: Message;
  readonly request: Outgoing;
  readonly startMs: number;
  readonly endMs: number;
  readonly outcome: AttemptResult;
}

export class PendingRecords {
  #attempts: DeliveryRecord[] = [];
  #deadLetters: DeliveryRecord[] = [];
  /** Of the messages that were refused, by id. */
  readonly #lastResults = new Map<string, AttemptResult>();

  addAttempt({ message, request, startMs, endMs, outcome }: AttemptFacts): Attempt {
    const attempt: Attempt = {
      messageId: request.id,
      type: request.type,
      changes: message.changes.length,
      atMs: startMs,
      durationMs: endMs - startMs,
      ...outcome,
    };
    this.#attempts.push({ id: newTimedId(endMs), text: encodeRecord(attempt) });
    if (this.#attempts.length > MAX_ATTEMPTS) this.#attempts.shift();
    return attempt;
  }

  /** What a dead letter shows if the message becomes one. */
  keepResult(messageId: string, result: AttemptResult): void {
    this.#lastResults.set(messageId, result);
  }

  forgetResult(messageId: string): void {
    this.#lastResults.delete(messageId);
  }

  addDeadLetter(message: Message, { id, type, body }: Outgoing, nowMs: number): void {
    const letter: DeadLetter = {
      messageId: id,
      type,
      body,
      changes: message.changes.length,
      failures: message.failures,
      firstFailedAtMs: message.firstFailedAtMs ?? nowMs,
      deadLetteredAtMs: nowMs,
      last: this.#lastResults.get(id) ?? {},
    };
    this.#lastResults.delete(id);
    this.#deadLetters.push({ id: newTimedId(nowMs), text: encodeRecord(letter) });
  }

  /** Removes and returns them. */
  take(): DeliveryUpdate['records'] {
    const records = { attempts: this.#attempts, 'dead-letters': this.#deadLetters };
    this.#attempts = [];
    this.#deadLetters = [];
    return records;
  }

  /** They could not be stored. */
  putBack({ attempts, 'dead-letters': deadLetters }: DeliveryUpdate['records']): void {
    this.#attempts = [...attempts, ...this.#attempts].slice(-MAX_ATTEMPTS);
    this.#deadLetters = [...deadLetters, ...this.#deadLetters];
  }
}
