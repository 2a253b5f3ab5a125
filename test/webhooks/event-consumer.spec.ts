// Occupancy events reach the queue of an endpoint, and so does that some were dropped.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { systemClock } from '../../src/runtime/clock.js';
import { DeliveryQueue } from '../../src/webhooks/delivery/delivery-queue.js';
import { EventConsumer } from '../../src/webhooks/delivery/event-consumer.js';
import { EventLog } from '../../src/webhooks/occupancy/event-log.js';
import { encodeEvent } from '../../src/webhooks/occupancy/occupancy-event.js';
import { type OpenStorage, openSqlite } from '../contract/stores.js';
import { eventually } from '../eventually.js';
import { positionAt } from './changes.js';

const event = (number: number, tag: string) => {
  const text = encodeEvent({ type: 'tag.occupied', key: `tag ${tag}`, tag, data: { tag } });
  return { number, atMs: number, text };
};

describe('the consumer of occupancy events', () => {
  let opened: OpenStorage;
  let queue: DeliveryQueue;
  let consumer: EventConsumer;
  beforeEach(async () => {
    opened = await openSqlite();
    const token = Number(await opened.storage.leases.acquire('job', 60_000));
    const events = [event(1, 'red'), event(2, 'red'), event(3, 'red'), event(4, 'blue'), event(5, 'red')];
    const update = { state: null, tags: new Map(), events };
    await opened.storage.occupancyEvents.save({ name: 'job', token }, update, { maxCount: 3, oldestMs: 0 });
  });
  afterEach(async () => {
    await consumer.stop();
    await opened.discard();
  });

  const consume = async (after: number, types: readonly 'tag.occupied'[]) => {
    queue = new DeliveryQueue(positionAt(1), [], undefined, after);
    const events = await EventLog.open(opened.storage.occupancyEvents);
    const parts = { events, clock: systemClock, log: pino({ level: 'silent' }) };
    consumer = new EventConsumer(queue, parts, { types, tag: 'red' }, () => {});
    consumer.start();
    await eventually(() => expect(queue.eventCursor).toBe(5));
    return queue.messages.map((message) => [message.event?.type, message.event?.number]);
  };

  it('adds those that are wanted', async () => {
    expect(await consume(2, ['tag.occupied'])).toEqual([
      ['tag.occupied', 3],
      ['tag.occupied', 5],
    ]);
  });

  it('tells how many were dropped', async () => {
    expect(await consume(0, ['tag.occupied'])).toEqual([
      ['occupancy.gap', 2],
      ['tag.occupied', 3],
      ['tag.occupied', 5],
    ]);
    expect(queue.messages[0]?.event?.data).toEqual({ type: 'occupancy.gap', missed: 2 });
  });

  it('moves on past what is not wanted', async () => {
    expect(await consume(0, [])).toEqual([]);
  });
});
