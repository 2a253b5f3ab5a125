// Whatever the receiver does, and wherever the process dies: every change is settled, and in order for each participant.
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DeliveryQueue, MAX_SENDING } from '../../src/webhooks/delivery/delivery-queue.js';
import { decodeState, encodeState, restoreMessages } from '../../src/webhooks/delivery/delivery-state.js';
import { type Message, messageIdOf, orderKeysOf } from '../../src/webhooks/delivery/message.js';
import { lengthOf } from '../length.js';
import { positionAt, waiting } from './changes.js';

const STEPS = ['read', 'take', 'deliver', 'deliver', 'refuse', 'reject', 'later', 'crash', 'save'] as const;
const histories = fc.record({
  batch: fc.constantFrom(1, 3, 100),
  participants: fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1, maxLength: 40 }),
  steps: fc.array(fc.tuple(fc.constantFrom(...STEPS), fc.nat(99)), { maxLength: 120 }),
});

/** A receiver that knows what it has got, and one process after another that sends to it. */
class World {
  readonly feed;
  nowMs = 1;
  queue = new DeliveryQueue(positionAt(0));
  saved = encodeState({ queue: this.queue, settingsAtMs: 1 });
  sending: Message[] = [];
  readonly contents = new Map<string, string>();
  readonly ids = new Map<string, string>();
  readonly delivered: number[] = [];
  readonly aside = new Set<number>();

  constructor(
    participants: readonly string[],
    private readonly batch: number,
  ) {
    this.feed = participants.map((name, n) => waiting(name, n + 1));
  }

  get readCount(): number {
    return Number(this.queue.cursor[0]?.entry);
  }

  read(count: number): void {
    const changes = this.feed.slice(this.readCount, this.readCount + count);
    this.queue.add(changes, positionAt(this.readCount + changes.length));
  }

  take(): void {
    const taken = this.queue.take(this.nowMs, this.batch);
    // As the service does before a batch is sent, so that its content cannot change.
    if (this.batch > 1) this.save();
    this.sending.push(...taken);
    const keys = this.sending.flatMap((message) => [...new Set(orderKeysOf(message))]);
    expect(new Set(keys).size).toBe(keys.length);
    expect(this.sending.length).toBeLessThanOrEqual(MAX_SENDING);
  }

  answer(which: number, isTaken: boolean, isRejected = false): void {
    const [message] = this.sending.splice(which % Math.max(this.sending.length, 1), 1);
    if (!message) return;
    if (isTaken) {
      const id = messageIdOf(message);
      const content = message.changes.map(({ ref }) => ref).join();
      expect(this.contents.get(id) ?? content).toBe(content);
      for (const { ref } of message.changes) {
        expect(this.ids.get(ref) ?? id).toBe(id);
        this.ids.set(ref, id);
      }
      if (!this.contents.has(id)) this.delivered.push(...message.changes.map(({ change }) => change.version));
      this.contents.set(id, content);
      this.queue.delivered(message, this.nowMs);
    } else {
      this.queue.failed(message, this.nowMs, { pauseMs: 0, random: 0.5, isRejected });
    }
  }

  save(): void {
    for (const { changes } of this.queue.takeDeadLetters(this.nowMs))
      for (const { change } of changes) this.aside.add(change.version);
    this.saved = encodeState({ queue: this.queue, settingsAtMs: 1 });
  }

  crash(): void {
    const state = decodeState(this.saved);
    const from = Number(state.position[0]?.entry);
    const read = this.feed.slice(from, Number(state.cursor[0]?.entry));
    this.queue = new DeliveryQueue(state.cursor, restoreMessages(state, read), state.health);
    this.sending = [];
  }

  finish(): void {
    for (let n = 0; n < 10_000 && (this.readCount < this.feed.length || this.queue.messages.length > 0); n += 1) {
      this.read(7);
      this.nowMs += 3_600_000;
      this.take();
      while (this.sending.length > 0) this.answer(0, true);
    }
  }
}

describe('the delivery queue', () => {
  it('settles every change, in order for each participant, whatever happens', () => {
    fc.assert(
      fc.property(histories, ({ batch, participants, steps }) => {
        const world = new World(participants, batch);
        for (const [step, n] of steps) {
          if (step === 'read') world.read(1 + (n % 5));
          if (step === 'take') world.take();
          if (step === 'deliver') world.answer(n, true);
          if (step === 'refuse') world.answer(n, false);
          if (step === 'reject') world.answer(n, false, true);
          if (step === 'later') world.nowMs += n * n * n * 100;
          if (step === 'save') world.save();
          if (step === 'crash') world.crash();
        }
        world.finish();
        const settled = new Set([...world.delivered, ...world.aside]);
        expect([...settled].sort((a, b) => a - b)).toEqual(participants.map((_, n) => n + 1));
        for (const name of new Set(participants)) {
          const own = world.delivered.filter((version) => participants[version - 1] === name);
          const first = [...new Set(own)];
          expect(first).toEqual(first.toSorted((a, b) => a - b));
        }
      }),
      { numRuns: lengthOf(500, 20_000) },
    );
  });
});
